"""The verb that tells when a rule is decided; the command line registers it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustersim.cli.options import JsonOption, SetOption
from clustersim.cli.results import OutOption, named_result
from clustersim.console import show, show_json, told


def evidence(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Result folder, or a scenario, which is run.")],
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Rule of its verdict, such as ercot-5s-range.")],
    node: Annotated[
        str | None, typer.Option("--node", help="Site or piece of equipment; all that the rule looks at when absent.")
    ] = None,
    out: OutOption = Path("results"),
    as_json: JsonOption = False,
    settings: SetOption = None,
) -> None:
    """Tell where in its window a rule is decided, and between which levels."""
    from clustersim.report.evidence import evidence_data, evidence_text, rule_evidence

    with told() as tell:
        result, _ = named_result(run, out, tell, settings)
        found = rule_evidence(result, rule, node)
    if as_json:
        show_json({"run_id": result.run_id, "rule": rule, "rows": [evidence_data(one) for one in found]})
    else:
        show(evidence_text(found))
