"""The shipped packs of rules as text, data and Markdown; ``python -m clustersim.report.rules`` prints the last."""

from __future__ import annotations

import sys
from typing import Any

from clustersim import catalog, units
from clustersim.errors import InputError, nearest
from clustersim.limits import Rule, pack, pack_names, rules_of
from clustersim.limits.issuers import issuer_of
from clustersim.report.words import columns, wrapped
from clustersim.scenario import AnyScenario

SIGN = {"at_most": "<=", "at_least": ">="}


def packs_data(name: str | None = None) -> dict[str, Any]:
    """Return the packs, or the one called `name`, each with title and rules.

    Raises
    ------
    InputError
        If there is no such pack.
    """
    known = pack_names()
    if name is None:
        asked = known
    else:
        aliases = {alias: one for one in known for alias in (one, *catalog.entry("rules", one).aliases)}
        if name not in aliases:
            raise InputError(f"unknown rule pack {name!r}{nearest(name, aliases)}; known: {', '.join(known)}")
        asked = (aliases[name],)
    return {
        "packs": [
            {
                "pack": one,
                "title": catalog.entry("rules", one).properties["title"],
                "rules": [_data(rule) for rule in pack(one)],
            }
            for one in asked
        ]
    }


def _data(rule: Rule) -> dict[str, Any]:
    keys = ("measure", "comparison", "limit", "formula", "status", "confidence", "source", "where", "note")
    return (
        {"rule": rule.id}
        | {key: getattr(rule, key) for key in keys}
        | {
            "parameters": parameters(rule),
            "issuer": None if (found := issuer_of(rule.id)) is None else found.name,
        }
    )


def parameters(rule: Rule) -> str:
    """Return what a rule says beside its limit: ``window 5 s, at most 1 per hour``."""
    found = [f"{key} {units.shortest(value, 'time')}" for key in ("lag", "window") if (value := getattr(rule, key))]
    if rule.lasting is not None:
        found.append(f"lasting longer than {units.shortest(rule.lasting, 'time')}")
    if rule.band is not None:
        low, high = (units.shortest(edge, "frequency") for edge in rule.band)
        found.append(f"{low} to {high}")
    if rule.tolerance is not None:
        found.append(f"within {units.text(rule.tolerance, '%')}")
    found += [f"{units.text(residual, 'pu')} for {units.shortest(span, 'time')}" for span, residual in rule.curve]
    if rule.allowed_per_hour is not None:
        found.append(f"{rule.allowed_per_hour:g} per hour allowed")
    if rule.mode is not None:
        found.append({"island": "as an island", "grid_parallel": "beside the grid", "any": "in either mode"}[rule.mode])
    if rule.lamp is not None:
        found.append(f"lamp {rule.lamp}")
    return ", ".join(found)


def packs_text(name: str | None = None) -> str:
    """Return the packs as a table; of one pack every rule, with its formula, source and note."""
    packs = packs_data(name)["packs"]
    if name is None:
        rows = []
        for one in packs:
            statuses = ", ".join(dict.fromkeys(rule["status"].replace("_", " ") for rule in one["rules"]))
            rows.append((one["pack"], str(len(one["rules"])), statuses, one["title"]))
        table = columns(("pack", "rules", "status", "title"), rows, left=4, widest=60)
        return f"{table}\n\n  clustersim catalog limits PACK shows its rules"
    found = packs[0]
    lines = [f"{found['pack']}: {found['title']}"]
    for rule in found["rules"]:
        limit = f"{SIGN[rule['comparison']]} {rule['limit']}"
        more = f" ({rule['parameters']})" if rule["parameters"] else ""
        lines += [
            "",
            f"{rule['rule']}: {rule['measure'].replace('_', ' ')} {limit}{more}",
            wrapped(rule["formula"], "  "),
            wrapped(
                f"{rule['status'].replace('_', ' ')}, {rule['confidence']}. {rule['source']}; {rule['where']}", "  "
            ),
            wrapped(rule["note"], "  "),
            *([] if rule["issuer"] is None else [f"  asked by: {rule['issuer']}"]),
        ]
    return "\n".join(lines)


def rules_asked(scenario: AnyScenario) -> tuple[Rule, ...]:
    """Return the rules that will judge a scenario.

    Raises
    ------
    InputError
        If its section `limits` names a rule that there is not, or a limit of another dimension; as a run says it.
    """
    return rules_of(scenario.limits)


def rules_markdown() -> str:
    """Return every shipped rule as a Markdown table, and below it the packs."""
    rules: dict[str, dict[str, Any]] = {}
    packs = packs_data()["packs"]
    for one in packs:
        rules |= {rule["rule"]: rule for rule in one["rules"]}
    lines = ["| rule | limit | parameters | formula | status | confidence | source |", "|---|---|---|---|---|---|---|"]
    for name in sorted(rules):
        rule = rules[name]
        cells = (
            name,
            f"{SIGN[rule['comparison']]} {rule['limit']}",
            rule["parameters"] or "-",
            rule["formula"],
            rule["status"].replace("_", " "),
            rule["confidence"],
            f"{rule['source']}; {rule['where']}",
        )
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    lines += ["", "| pack | title | rules |", "|---|---|---|"]
    lines += [f"| {one['pack']} | {one['title']} | {', '.join(r['rule'] for r in one['rules'])} |" for one in packs]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(rules_markdown() + "\n")
