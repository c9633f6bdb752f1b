"""Generated inputs of the command line: each function makes files in a folder and returns the words of a command."""

from __future__ import annotations

import copy
import functools
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from clustersim.errors import InputError
from clustersim.scenario import form, shipped
from clustersim.strict_yaml import strict_yaml
from tests.conftest import SMALL
from tests.limits.test_own_packs import PACK
from tests.robustness.mutations import EXTREME, ODD, a_value, as_text, spoiled, spoiled_text

STUDY = {
    "name": "trial",
    "title": "A trial",
    "scenario": "small.yaml",
    "evaluate": "step",
    "set": {"seed": 3},
    "axes": {
        "damping.0.time_constant": {"values": ["10 s", "30 s"], "name": "control"},
        "job.tokens_per_step_max": {"values": [524288, 1048576]},
        "operation.horizon": {"range": {"from": "1 h", "to": "5 h", "steps": 3}},
    },
    "derive": {"rate": "tokens_per_s / 2", "twice": {"value": "control * 2"}},
    "constraints": ["control > 5"],
    "require": ["tokens_per_s > 0"],
    "keys": ["tokens_per_s", "iteration_time_s"],
}


@functools.cache
def shipped_tree(folder: str, name: str) -> Any:
    """Return the tree of a shipped file."""
    return strict_yaml((shipped(folder) / name).read_text(encoding="utf-8"))


@functools.cache
def names_in(folder: str) -> tuple[str, ...]:
    """Return the shipped files of a folder."""
    return tuple(sorted(path.relative_to(shipped(folder)).as_posix() for path in shipped(folder).rglob("*.yaml")))


def tiny(rng: random.Random) -> dict[str, Any]:
    """Return a small scenario that is right: a few hundred accelerators, a few hours."""
    tree = strict_yaml(SMALL)
    tensor, pipeline = rng.choice((4, 8)), rng.choice((2, 4))
    data = rng.choice((2, 4, 8))
    count = tensor * pipeline * data
    model = rng.choice(("llama3.1-8b", "llama3.1-70b"))
    tree["name"] = rng.choice(("tiny", "trial_2"))
    tree["job"] |= {
        "model": model,
        "sequence_length": 4096,
        "tokens_per_step_max": 4096 * data * 8,
        "token_budget": 1.0e10,
        "plan": {"tensor": tensor, "pipeline": pipeline, "data": data, "micro_batches": 8},
    }
    kind = rng.choice(("H100-SXM", "H100-SXM", "B200-SXM", "A100-SXM-80GB"))
    tree["set"] = {"topology.site.memphis.fleet": [{"accelerator": kind, "count": max(64, count)}]}
    tree["operation"] = {"horizon": rng.choice(("1 h", "6 h", "1 d"))}
    tree["seed"] = rng.randrange(1000)
    tree["plant"] = {"mode": rng.choice(("grid_parallel", "grid_parallel", "island"))}
    tree["damping"] = rng.choice(
        (
            [],
            [{"kind": "site_battery", "time_constant": "20 s"}],
            [{"kind": "gpu_smoothing", "floor": "70 %"}],
            [{"kind": "dummy_compute", "floor": "60 %"}],
            [{"kind": "power_cap", "limit": "80 %"}],
        )
    )
    return tree


def grown(rng: random.Random, tree: dict[str, Any], times: int) -> dict[str, Any]:
    """Return a scenario with fields of its specification set to what they could be."""
    made = copy.deepcopy(tree)
    for _ in range(times):
        paths = [
            "job",
            "job.plan",
            "operation",
            "plant",
            "economics",
            "limits",
            "operation.checkpoint",
            "damping.0",
            "operation.recovery",
            "operation.failures",
            "operation.evaluation",
            "operation.repair",
            "operation.fleet",
            "operation.sites",
            "plant.protection",
            "plant.events.0",
            "damping.1",
            "economics.tariff",
            "economics.carbon",
            "limits.rules.0",
            "expect.0",
        ]
        path = rng.choice(paths)
        try:
            if rng.random() < 0.3 and path.rsplit(".", 1)[-1].isdigit():
                record = form.of_kind(path, made, rng.choice(form.kinds_at(path.rsplit(".", 1)[0], made) or ("x",)))
                _put(made, path, record)
            found = form.fields(path, made)
        except (InputError, KeyError, TypeError, AttributeError, ValueError, IndexError):
            continue
        for one in rng.sample(found, min(len(found), rng.choice((1, 1, 2, 4)))):
            _put(made, one.path, _of_field(rng, one))
    return made


def _of_field(rng: random.Random, field: Any) -> Any:
    if field.choices and rng.random() < 0.9:
        return rng.choice(field.choices)
    if field.units:
        number = rng.choice((0, 1, 2, 5, 10, 30, 80, 100, 500, 1000)) * rng.choice((1, 1, 1, 0.1, 100))
        return f"{number:g} {rng.choice(field.units)}"
    if field.kind == "flag":
        return rng.random() < 0.5
    if field.kind == "records":
        return rng.choice(([], [{}]))
    return rng.choice((0, 1, 2, 3, 8, 16, 0.5, 1.5, 1e6, None, "x", {}, field.default, a_value(rng, field.value)))


def _put(tree: Any, path: str, value: Any) -> None:
    *above, last = path.split(".")
    node = tree
    for part, after in zip(above, [*above[1:], last], strict=True):
        if isinstance(node, list):
            if int(part) >= len(node):
                node.append({})
            node = node[min(int(part), len(node) - 1)]
            continue
        if not isinstance(node, dict):
            return
        if node.get(part) is None:
            node[part] = [] if after.isdigit() else {}
        node = node[part]
    if isinstance(node, list):
        node[int(last) :] = [value]
    elif isinstance(node, dict):
        node[last] = value


def _write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


def _maybe_linked(rng: random.Random, path: Path) -> Path:
    """Put a link in a file's place, now and then: to itself, to what is outside, or to nothing."""
    if rng.random() < 0.01:
        path.unlink()
        path.symlink_to(rng.choice((path.name, "../../sentinel.yaml", "/dev/zero", "/dev/null", "nothing", ".")))
    return path


def scenario(rng: random.Random, case: Path) -> list[str]:
    """A scenario: shipped and spoiled, small and grown, as text."""
    what = rng.random()
    if what < 0.40:
        name = rng.choice(names_in("scenarios"))
        tree = shipped_tree("scenarios", name)
        path = _write(case / "s" / "given.yaml", as_text(spoiled(rng, tree)))
        if "load" in tree or "loads" in name:
            record = shipped_tree("scenarios", "loads/production_server.yaml")
            _write(case / "s" / "loads" / "production_server.yaml", as_text(spoiled(rng, record)))
        return ["check", str(_maybe_linked(rng, path))]
    if what < 0.60:
        text = (
            as_text(tiny(rng))
            if rng.random() < 0.5
            else (shipped("scenarios") / rng.choice(names_in("scenarios"))).read_text()
        )
        path = _write(case / "given.yaml", spoiled_text(rng, text))
        return [rng.choice(("check", "check", "step", "operate", "plan")), str(path)]
    if what < 0.75:
        path = _write(case / "given.yaml", as_text(spoiled(rng, tiny(rng))))
        return [rng.choice(("step", "operate")), str(path), "--json"]
    if what < 0.90:
        tree = grown(rng, tiny(rng), rng.choice((1, 2, 4)))
        path = _write(case / "given.yaml", as_text(tree))
        return [*rng.choice((["check"], ["step"], ["operate"], ["plan"])), str(path)]
    if what < 0.92:
        tree = shipped_tree("scenarios", "measured_load_memphis.yaml")
        record = shipped_tree("scenarios", "loads/production_server.yaml")
        _write(case / "loads" / "production_server.yaml", as_text(spoiled(rng, record)))
        path = _write(case / "given.yaml", as_text(spoiled(rng, tree, 1)))
        return ["run", str(path), "--out", "results", "--json"]
    if what < 0.95:
        key = rng.choice(("job.plan.data", "seed", "topology", "damping.0.kind", "", ".", "a..b", "job", "set", "name"))
        value = rng.choice((*map(str, EXTREME), *ODD[:20], "{a: [1}", "&a [*a]", "!!python/object:x {}"))
        path = _write(case / "given.yaml", as_text(tiny(rng)))
        return ["step", str(path), "--set", f"{key}={value}"]
    made = tiny(rng)
    made = rng.choice((lambda: made, lambda: spoiled(rng, made, 1), lambda: grown(rng, made, 2)))()
    path = _write(case / "given.yaml", as_text(made))
    return ["run", str(path), "--out", "results", "--json"]


def topology(rng: random.Random, case: Path) -> list[str]:
    """A place: shipped and spoiled, small, as text."""
    name = rng.choice(names_in("topologies"))
    tree = copy.deepcopy(shipped_tree("topologies", name))
    what = rng.random()
    if what < 0.25:
        text = (shipped("topologies") / name).read_text(encoding="utf-8")
        return ["check", str(_maybe_linked(rng, _write(case / "given.yaml", spoiled_text(rng, text))))]
    if what < 0.6:
        return ["check", str(_write(case / "given.yaml", as_text(spoiled(rng, tree))))]
    for site in tree["site"].values():
        for fleet in site["fleet"]:
            fleet["count"] = rng.choice((64, 128, 256, 512))
    tree = spoiled(rng, tree) if rng.random() < 0.8 else tree
    words = ["topology", str(_write(case / "given.yaml", as_text(tree)))]
    extra = rng.choice(
        (
            ["--json"],
            [],
            ["--path", "0", "17"],
            ["--path", rng.choice(ODD), "1"],
            ["--without", "spine0"],
            ["--without", rng.choice(("leaf0:spine1", "leaf99999", "fibre a-b", "server0", *ODD[:12]))],
            ["--size", str(rng.choice(EXTREME))],
            [
                "--traffic",
                rng.choice(
                    (
                        "ring:1 GB",
                        "all_to_all:1 MB:2@0-63",
                        "incast:1 MB@5-2",
                        "permutation",
                        "ring:-1 GB",
                        "x:1 MB",
                        "ring:1 GB:0",
                    )
                ),
            ],
            [
                "--collective",
                rng.choice(
                    ("all_reduce:64", "all_gather:64:8", "all_reduce:0", "all_reduce:99999999", "x:3", "all_reduce:8:3")
                ),
            ],
            ["--policy", rng.choice(("ecmp", "static", "spread", "valiant", "x"))],
        )
    )
    return [*words, *extra]


def study(rng: random.Random, case: Path) -> list[str]:
    """A study beside its scenario: laid out, now and then answered."""
    tree: Any = copy.deepcopy(STUDY)
    if rng.random() < 0.3:
        tree = copy.deepcopy(shipped_tree("studies", rng.choice(names_in("studies"))))
        tree["scenario"] = "small.yaml"
    if rng.random() < 0.3:
        axis = rng.choice(("seed", "job.plan.data", "catalog.accelerators.H100-SXM.tdp", "topology", "scenario", "x.y"))
        tree["axes"][axis] = rng.choice(
            (
                [1, 2],
                {"range": {"from": 1, "to": 4, "steps": 2}},
                {"uniform": {"from": "500 W", "to": "800 W"}},
                {"log_range": {"from": 1, "to": 10**9, "steps": 10**7}},
                {"normal": {"from": 1, "to": 2}},
                {"range": {"from": 0, "to": 1, "step": 1e-9}},
                {"range": {"from": "1 s", "to": "2 MW", "steps": 3}},
                {"values": [], "labels": []},
                {"log_range": {"from": 0, "to": 1, "steps": 3}},
                ["meta_24k"],
                [[1], {}],
            )
        )
        tree["combine"] = rng.choice(("grid", "zip", "sobol", "latin_hypercube", "saltelli", "one_at_a_time"))
        tree["samples"] = rng.choice((0, 1, 8, 10**9, -1, None, 3.5))
    if rng.random() < 0.25:
        tree["derive"] = {
            "d": rng.choice(
                (
                    "1/0",
                    "9**9**9",
                    "x",
                    "control",
                    "log(-1)",
                    "(" * 300 + "1" + ")" * 300,
                    "__import__('os')",
                    "a.b",
                    "1 if control else",
                    "'a' * 10**9",
                    "[1]",
                    "lambda: 1",
                    "sqrt(control) + d",
                    "tokens_per_s and nothing",
                    "1e308 * 10",
                    "max()",
                    "-" * 900 + "1",
                    "control % 0",
                    "quantity('5 MW', 'x')",
                    "quantity(control)",
                    "f'{1}'",
                    "control == 'x'",
                    "True + 1",
                    "not control",
                    "\x00",
                )
            )
        }
    tree = spoiled(rng, tree) if rng.random() < 0.5 else tree
    text = as_text(tree)
    base = tiny(rng)
    base["damping"] = [{"kind": "site_battery", "time_constant": "20 s"}]
    _write(case / "small.yaml", as_text(base))
    path = _write(case / "trial.yaml", spoiled_text(rng, text) if rng.random() < 0.15 else text)
    words = ["sweep", str(_maybe_linked(rng, path)), "--out", "results"]
    if rng.random() < 0.12 and isinstance(tree, dict) and tree.get("evaluate") == "step" and "samples" not in tree:
        return [*words, "--json"]
    return [*words, "--dry-run", *rng.choice(([], ["--json"]))]


def pack(rng: random.Random, case: Path) -> list[str]:
    """A pack of rules: an own one or a shipped one, spoiled; by a scenario or on a trace."""
    if rng.random() < 0.5:
        tree = strict_yaml(PACK)
    else:
        folder = Path(shipped("scenarios")).parent / "clustersim" / "catalog" / "limits"
        tree = strict_yaml(rng.choice(sorted(folder.glob("*.yaml"))).read_text(encoding="utf-8"))
        tree["title"] = "Own"
        for key in ("packs", "issuer"):
            if rng.random() < 0.8:
                tree.pop(key, None)
        kept = rng.sample(sorted(tree["rules"]), min(len(tree["rules"]), 4))
        tree["rules"] = {f"own-{name}": tree["rules"][name] for name in kept}
    tree = spoiled(rng, tree) if rng.random() < 0.7 else tree
    text = as_text(tree)
    path = _write(case / "own.yaml", spoiled_text(rng, text) if rng.random() < 0.2 else text)
    if rng.random() < 0.5:
        made = tiny(rng) | {
            "limits": {
                "packs": [rng.choice(("own.yaml", "own.yaml", "./own.yaml", "../own.yaml", "standard")), "standard"]
            }
        }
        return ["check", str(_write(case / "given.yaml", as_text(made)))]
    _write(case / "t.csv", _rows(*_trace(rng)))
    return ["assess", str(case / "t.csv"), "--limits", str(_maybe_linked(rng, path)), *rng.choice(([], ["--json"]))]


def _trace(rng: random.Random) -> tuple[np.ndarray, np.ndarray]:
    """Return times [s] and power [MW] of a load with a period, for some seconds."""
    step = rng.choice((0.01, 0.05, 0.1, 1.0))
    count = rng.choice((1, 15, 400, 400, 400, 3000))
    times = step * np.arange(count)
    period = rng.choice((2.0, 7.0, 20.0))
    drawn = np.random.default_rng(rng.randrange(10**9))
    return times, 30.0 + 20.0 * ((times % period) < 0.7 * period) + drawn.normal(0.0, 0.2, count)


def _rows(times: np.ndarray, watts: np.ndarray, header: str = "time_s,power_mw") -> str:
    return "\n".join([header, *(f"{t!r},{p!r}" for t, p in zip(times.tolist(), watts.tolist(), strict=True))]) + "\n"


def _spoiled_samples(rng: random.Random, times: np.ndarray, power: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    times, power = times.copy(), power.copy()
    at = rng.randrange(len(times))
    wild = rng.choice((np.nan, np.inf, -np.inf, 1e308, -1e308, 1e300, 0.0, -5.0, 1e18))
    what = rng.randrange(10)
    if what == 0:
        power[at:] = wild
    elif what == 1:
        power[at] = wild
    elif what == 2:
        times[at] = wild
    elif what == 3:
        times[at:] += rng.choice((0.5, 100.0, 1e9, -1e9, 1e300))
    elif what == 4:
        times = times[::-1].copy()
    elif what == 5:
        times[:] = times[0]
    elif what == 6:
        power[:] = rng.choice((0.0, 50.0, 1e-300))
    elif what == 7:
        times *= rng.choice((1e-12, 1e-6, 1e6, 1e12, -1.0))
    elif what == 8:
        times += rng.choice((1e9, 1.7e9, 1e15, 1e17, -1e6))
    else:
        times = np.sort(np.random.default_rng(rng.randrange(99)).uniform(0, times[-1] + 1e-9, len(times)))
    return times, power


def trace(rng: random.Random, case: Path) -> list[str]:
    """A measured trace: CSV, packed CSV, Parquet, COMTRADE, a load record."""
    import gzip

    times, power = _trace(rng)
    if rng.random() < 0.45:
        times, power = _spoiled_samples(rng, times, power)
    form_ = rng.choice(("csv", "csv", "csv.gz", "parquet", "parquet", "cfg", "cfg", "yaml"))
    path = case / f"t.{form_}"
    if form_ in ("csv", "csv.gz"):
        header = rng.choice(
            ("time_s,power_mw",) * 30
            + (
                "t,p",
                "a,b",
                "",
                "time_s",
                "time_s,time_s",
                "time_s;power_mw",
                "\ufefftime_s,power_mw",
                "time,power_w,x",
            )
        )
        text = _rows(times, power, header)
        raw = spoiled_text(rng, text) if rng.random() < 0.25 else text.encode()
        raw = raw[: rng.randrange(len(raw) + 1)] if rng.random() < 0.1 else raw
        _write(path, gzip.compress(raw) if form_ == "csv.gz" else raw)
    elif form_ == "parquet":
        _write(path, _parquet(rng, times, power))
    elif form_ == "cfg":
        _comtrade(rng, path, times, power)
    else:
        record = shipped_tree("scenarios", "loads/production_server.yaml")
        _write(path, as_text(spoiled(rng, record)))
    if rng.random() < 0.05:
        raw = bytearray(path.read_bytes() or b"x")
        for _ in range(20):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        path.write_bytes(bytes(raw))
    words = [rng.choice(("assess", "assess", "assess", "fit-power")), str(_maybe_linked(rng, path))]
    options: list[tuple[str, ...]] = [
        ("--time", "time_s"),
        ("--power", "power_mw"),
        ("--power", "x"),
        ("--unit", "MW"),
        ("--unit", "pu"),
        ("--base", "100 MW"),
        ("--base", "0 W"),
        ("--step", "0.1 s"),
        ("--step", "1 ns"),
        ("--step", "1 d"),
        ("--between", "hold"),
        ("--gap", "1000000"),
        ("--gap", "nan"),
        ("--sensor", "1 s"),
        ("--sensor", "1 yr"),
        ("--from", "1 s"),
        ("--to", "0 s"),
        ("--to", "10 s"),
        ("--json",),
        ("--json",),
        ("--idle-ratio", "0.3"),
        ("--export", str(case / "out.cfg")),
        ("--export", str(case / "out.parquet")),
    ]
    if words[0] == "assess":
        options += [
            ("--limits", "ercot"),
            ("--limits", "ieee1453"),
            ("--limits", "../x"),
            ("--scale", "1000"),
            ("--coherence", "0.5"),
            ("--mean", "120 MW"),
            ("--mean", "0 MW"),
            ("--band", "0.1-20"),
            ("--band", "1e300-1e301"),
            ("--averaged", "1 s"),
            ("--averaged", "1 yr"),
            ("--spectrogram", str(case / "s.csv")),
            ("--segment", "1 s"),
            ("--seed", "3"),
            ("--duration", "30 s"),
            ("--duration", "1 yr"),
            ("--out", str(case / "o")),
            ("--scale", "1000000000000000000000"),
        ]
    for one in rng.sample(options, rng.choice((0, 0, 1, 2, 3))):
        words += one
    return words


def _parquet(rng: random.Random, times: np.ndarray, power: np.ndarray) -> bytes:
    import io

    import pyarrow as pa
    from pyarrow import parquet

    columns: dict[str, Any] = {"time_s": times, "power_mw": power}
    what = rng.randrange(24)
    if what == 0:
        columns["time_s"] = [str(t) for t in times]
    elif what == 1:
        columns["power_mw"] = [[p] for p in power]
    elif what == 2:
        columns["time_s"] = pa.array((times * 1e6).astype("int64", casting="unsafe"), pa.timestamp("us"))
    elif what == 3:
        columns["power_mw"] = pa.array([None] * len(power), pa.float64())
    elif what == 4:
        columns = {f"c{k}": power for k in range(rng.choice((0, 1, 2000)))}
    elif what == 5:
        columns["power_mw"] = pa.array(power.tolist()).dictionary_encode()
    elif what == 6:
        columns["power_mw"] = pa.array([b"x"] * len(power))
    buffer = io.BytesIO()
    parquet.write_table(pa.table(columns), buffer, compression=rng.choice(("zstd", "snappy", "gzip", "NONE")))
    raw = bytearray(buffer.getvalue())
    if rng.random() < 0.25:
        for _ in range(rng.choice((1, 3, 50))):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
    if rng.random() < 0.1:
        del raw[rng.randrange(len(raw)) :]
    return bytes(raw)


def _comtrade(rng: random.Random, path: Path, times: np.ndarray, power: np.ndarray) -> None:
    from clustersim.power.trace import PowerTrace
    from clustersim.power.trace_export import write_trace

    good = np.nan_to_num(np.abs(power), nan=1.0, posinf=1.0, neginf=1.0).clip(0.0, 1e6) * 1e6
    step = float(times[1] - times[0]) if len(times) > 1 else 1.0
    form_ = rng.choice(("ASCII", "BINARY", "BINARY32", "FLOAT32"))
    write_trace(path, PowerTrace("load", 0.0, step if 1e-6 < step < 1e6 else 1.0, good, None), form_)
    head, data = path.read_text(), path.with_suffix(".dat")
    what = rng.randrange(6)
    if what == 0:
        path.write_bytes(spoiled_text(rng, head))
    elif what == 1:
        lines = head.split("\n")
        at = rng.randrange(len(lines))
        parts = lines[at].split(",")
        parts[rng.randrange(len(parts))] = str(rng.choice((*EXTREME, "99999999999", "-1A", "2000000000A")))
        lines[at] = ",".join(parts)
        path.write_text("\n".join(lines))
    elif what == 2:
        raw = data.read_bytes()
        data.write_bytes(raw[: rng.randrange(len(raw) + 1)])
    elif what == 3:
        raw = bytearray(data.read_bytes())
        for _ in range(50):
            raw[rng.randrange(len(raw))] = rng.randrange(256)
        data.write_bytes(bytes(raw))
    elif what == 4:
        data.unlink()
        if rng.random() < 0.5:
            data.symlink_to("/dev/zero")
    else:
        data.write_bytes(data.read_bytes() + struct.pack("<f", np.nan) * 10)


def other(rng: random.Random, case: Path) -> list[str]:
    """What else is read: overlays of the catalog, prices, weather, tables, recordings of other tools, links."""
    what = rng.randrange(7)
    if what == 0:
        folder = Path(shipped("scenarios")).parent / "clustersim" / "catalog" / "data"
        source = rng.choice(sorted(folder.glob("*.yaml")))
        tree = strict_yaml(source.read_text(encoding="utf-8"))
        kept = rng.sample(sorted(tree["entries"]), min(len(tree["entries"]), 3))
        tree = {"sources": tree["sources"], "entries": {name: tree["entries"][name] for name in kept}}
        text = as_text(spoiled(rng, {source.stem: tree}))
        raw = spoiled_text(rng, text) if rng.random() < 0.2 else text
        return ["--catalog", str(_write(case / "overlay.yaml", raw)), "catalog", "--diff"]
    if what == 1:
        rows = [str(rng.choice((50.0, -3.0, 0.0))) for _ in range(rng.choice((24, 168, 8760, 23)))]
        text = "usd_per_mwh\n" + "\n".join(rows)
        raw = spoiled_text(rng, text) if rng.random() < 0.7 else text
        _write(case / "prices.csv", raw)
        made = tiny(rng) | {"economics": {"tariff": {"hourly": "prices.csv"}}}
        return ["check", str(_write(case / "given.yaml", as_text(made)))]
    if what == 2:
        from tests.plant.weather_files import HEADER, epw_rows

        raw = spoiled_text(rng, "\n".join([HEADER, *epw_rows()]))
        _write(case / "w.epw", raw)
        made = tiny(rng)
        made["set"]["topology.cooling.memphis.weather"] = "w.epw"
        return ["check", str(_write(case / "given.yaml", as_text(made)))]
    if what == 3:
        from clustersim.report.validated import table_columns

        needed, read = rng.choice(list(table_columns().values()))
        names = [*needed, *rng.sample(read, min(len(read), 3))]
        cells = (
            "1",
            "8",
            "0",
            "-1",
            "nan",
            "1e400",
            "H100-SXM",
            "llama3.1-8b",
            "bf16",
            "x" * 200,
            '"',
            "",
            "llama",
            "1024",
            "10 %",
            "2024-01-01",
        )
        text = "\n".join([",".join(names), *(",".join(rng.choice(cells) for _ in names) for _ in range(4))])
        raw = spoiled_text(rng, text) if rng.random() < 0.4 else text
        return ["validate", str(_write(case / "table.csv", raw)), *rng.choice(([], ["--json"]))]
    if what == 4:
        from clustersim.scenario import link_text

        text = link_text("0" * 12, tiny(rng), "0" * 12)
        raw = list(text)
        for _ in range(rng.choice((0, 1, 5))):
            raw[rng.randrange(len(raw))] = rng.choice("abcXYZ019-_=&:%")
        if rng.random() < 0.3:
            return ["step", str(_write(case / "r.html", f"<a href='{''.join(raw)}'>"))]
        return ["step", "".join(raw)[: rng.choice((10**6, 10**6, rng.randrange(len(raw))))]]
    if what == 5:
        names = ("timestamp", "index", "power.draw [W]", "utilization.gpu [%]", "temperature.gpu", "name", "uuid")
        head = ", ".join(rng.sample(names, rng.choice((2, 4, 7))))
        rows = [
            ", ".join(
                rng.choice(("2024/01/02 03:04:05.678", "0", "300.5 W", "[N/A]", "nan", "1e400", "99 %", ""))
                for _ in head.split(",")
            )
            for _ in range(9)
        ]
        raw = spoiled_text(rng, "\n".join([head, *rows]))
        words = ["record", "--from", str(_write(case / "smi.csv", raw)), "--out", str(case / "rec.parquet")]
        return words if rng.random() < 0.5 else ["calibrate", words[2]]
    damping = spoiled(
        rng,
        [
            {"kind": "site_battery", "power": "10 MW", "energy": "10 MWh", "time_constant": "20 s"},
            {"kind": "gpu_smoothing", "floor": "70 %"},
        ],
    )
    _write(case / "t.csv", _rows(*_trace(rng)))
    path = _write(case / "damping.yaml", as_text(damping))
    return [
        "assess",
        str(case / "t.csv"),
        "--damping",
        str(path),
        "--accelerators",
        "50000",
        "--accelerator",
        "H100-SXM",
    ]


KINDS: dict[str, Callable[[random.Random, Path], list[str]]] = {
    "scenarios": scenario,
    "topologies": topology,
    "studies": study,
    "traces": trace,
    "packs": pack,
    "others": other,
}
