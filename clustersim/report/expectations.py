"""What is public beside what every shipped scenario answers.

``python -m clustersim.report.expectations > docs/expectations.md`` runs them all over one day and writes the page.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial

import pandas as pd

from clustersim.report.expected_text import HEAD, cells
from clustersim.report.words import number
from clustersim.scenario import load_any, shipped
from clustersim.study.expected import expected_errors, of_tables, short_settings
from clustersim.study.result import Result
from clustersim.study.run import run

MISSES: dict[tuple[str, str], str] = {}
"""Why an answer lies outside the band of a public figure, by scenario and key."""
HEADER = """# Predicted beside public

What is public about the shipped scenarios (section `expect` of each file) beside what a run over one day answers.
This page is written by `python -m clustersim.report.expectations`; the tests run every scenario and compare it.

- *band*: of the source where it gives one. Epoch AI gives a factor of 1.4 for its own figures, which about four in
  five meet. Where the source gives none, the band follows from the confidence of the figure as everywhere in the
  catalog: measured 3 %, vendor 5 %, reported 15 %, estimate 30 %, recalled 50 %. Such bands are marked `~`.
- *error*: the answer over the public figure, less one; where only a band is public, over its nearer end.
- `*`: the place, the catalog or the scenario was built from this very figure. It is met by construction, and counts
  in no statistics.
- *not judged*: the figure is of a longer time than a day, or the run has no such answer.
- A figure outside its band is a miss; each has its reason below. No band was widened and no input changed to avoid
  one.

"""


def short_run(name: str) -> Result:
    """Return the result of a shipped scenario over one day."""
    path = shipped("scenarios") / f"{name}.yaml"
    return run(load_any(path, short_settings(path)))


def expectations_markdown(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return the page: the table of all scenarios, its statistics and the reasons of what is missed.

    Parameters
    ----------
    tables : mapping
        Scenario -> its table of public figures (`Result.expected`), in the order of the page.
    """
    table = of_tables(tables)
    head = ("scenario", "key", *HEAD[1:], "source")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for row in table.to_dict("records"):
        key, predicted, public, band, error, inside = cells(row)
        mark = " ~" if row["band"] == "assumed" else ""
        note = f"; {row['note']}" if row["note"] else ""
        words = (
            f"`{row['scenario']}`",
            f"`{key}`",
            predicted,
            public,
            band + mark,
            error,
            inside,
            row["source"] + note,
        )
        lines.append(f"| {' | '.join(words)} |")
    return f"{HEADER}{statistics_text(table)}\n\n" + "\n".join(lines) + f"\n\n{_reasons(table)}\n"


def statistics_text(table: pd.DataFrame) -> str:
    """Return the counts and errors of a table of public figures as a sentence."""
    told_of = expected_errors(table)
    figure = partial(number, digits=3)
    return (
        f"{told_of['figures']} figures of {table['scenario'].nunique()} scenarios. {told_of['used']} were built in and "
        f"{told_of['not_judged']} are not judged; of the other {told_of['judged']}, {told_of['inside']} are inside "
        f"their band and {told_of['outside']} are not. Absolute error: median {figure(told_of['median_percent'])} %, "
        f"mean {figure(told_of['mean_percent'])} %, largest {figure(told_of['largest_percent'])} %; mean error "
        f"{told_of['bias_percent']:+.1f} %."
    )


def misses(table: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Return scenario and key of every figure outside its band, in the order of the table."""
    rows = table[[value is False for value in table["inside"]]]
    return tuple(dict.fromkeys(zip(rows["scenario"], rows["key"], strict=True)))


def _reasons(table: pd.DataFrame) -> str:
    found = misses(table)
    lines = [f"- `{name}`, `{key}`: {MISSES.get((name, key), 'no reason is known.')}" for name, key in found]
    return "\n".join(["## Misses", "", *(lines or ["None."])])


def shipped_names() -> list[str]:
    """Return the names of all shipped scenarios, sorted."""
    return sorted(path.stem for path in shipped("scenarios").glob("*.yaml"))


def shipped_tables() -> dict[str, pd.DataFrame]:
    """Run every shipped scenario over one day and return its public figures; tells each name on stderr."""
    tables = {}
    for name in shipped_names():
        sys.stderr.write(f".. {name}\n")
        tables[name] = short_run(name).expected
    return tables


if __name__ == "__main__":
    sys.stdout.write(expectations_markdown(shipped_tables()))
