"""Names under `operation` that must be in the catalog, each as an entry of the right sort."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from clustersim import catalog
from clustersim.errors import nearest
from clustersim.operation.spec import OperationSpec

NO_FAILURES = "none"


def unknown_operation_names(spec: OperationSpec) -> list[str]:
    """Return one line ``operation.key: unknown name ...`` for every name that the catalog does not have there."""
    found = []
    for key, name, known in _names(spec):
        if name not in known:
            found.append(
                f"operation.{key}: unknown name {name!r}{nearest(name, known)}; expected one of {', '.join(known)}"
            )
    return found


def _names(spec: OperationSpec) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the key, the name and what it may be, for each name that the spec gives."""
    rates = [*_of("reliability", lambda entry: "causes" in entry.properties), NO_FAILURES]
    laws = [*_of("reliability", _is_restart), *_of("recovery", _is_restart)]
    named = {
        "failure_rates": (spec.failure_rates, rates),
        "restart_law": (spec.restart_law, laws),
        "recovery.collective_law": (spec.recovery.collective_law, _of_recovery("collectives")),
        "failures.fleets": (spec.failures.fleets, _of("reliability_fleets", lambda entry: entry.name != "kinds")),
        "checkpoint.storage": (spec.checkpoint.storage, _short(_of_recovery("storage"), "storage-")),
        "checkpoint.framework": (spec.checkpoint.framework, _short(_of_recovery("framework"), "framework-")),
    }
    for key, (name, known) in named.items():
        if name is not None:
            yield key, name, known
    works: Mapping[str, object] = {} if spec.repair is None else spec.repair.works
    repairs = [name.removeprefix("repair-") for name in _of_recovery("repair")]
    for name in works:
        yield "repair.works", name, repairs


def _is_restart(entry: catalog.Entry) -> bool:
    return entry.name.startswith("restart-")


def _of(kind: str, fits: Callable[[catalog.Entry], bool]) -> list[str]:
    return [name for name, entry in catalog.entries(kind).items() if fits(entry)]


def _of_recovery(sort: str) -> list[str]:
    return _of("recovery", lambda entry: entry.properties.get("kind_of") == sort)


def _short(names: list[str], prefix: str) -> list[str]:
    """Return the names without their prefix, and those with it: both are taken."""
    return [*(name.removeprefix(prefix) for name in names), *names]
