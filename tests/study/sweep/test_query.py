"""Questions to a store: answered from its rows alone, and nothing else can be reached."""

import json

import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.study.sweep.query import overview, query
from clustersim.study.sweep.records import Outcome
from clustersim.study.sweep.store import Store


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stores") / "s"
    with Store.open(folder, {"study": "s"}, ("floor", "peak_mw")) as store:
        rows = [{"floor": i / 4.0, "peak_mw": 150.0 - i, "passed": i > 1, "n": i} for i in range(4)]
        store.append([Outcome(f"p{i}", i, row, None, 0.0) for i, row in enumerate(rows)])
        store.append([Outcome("p4", 4, {"floor": 1.0}, "does not fit", 0.0)])
    return folder


def asked(*words):
    return CliRunner().invoke(app, ["query", *map(str, words)])


def test_a_question_is_answered(folder):
    found = query(
        folder, "SELECT floor, avg(peak_mw) AS mean, count(*) n FROM points WHERE passed GROUP BY 1 ORDER BY 1"
    )
    assert found.columns == ("floor", "mean", "n")
    assert found.rows == ((0.5, 148.0, 1), (0.75, 147.0, 1))
    assert query(folder, "SELECT 1/0, sum(n)::DECIMAL(9,2), [1] FROM points").rows == ((None, 6.0, "[1]"),)
    assert query(folder, "PIVOT points ON passed USING max(n)").columns


def test_what_a_store_has(folder):
    found = overview(folder)
    assert (found.rows, found.failed) == (5, 1)
    assert found.columns[2:] == (
        ("floor", "DOUBLE", 5), ("peak_mw", "DOUBLE", 4), ("n", "BIGINT", 4), ("passed", "BOOLEAN", 4),
        ("error", "VARCHAR", 1),
    )  # fmt: skip


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '{file}'", "SELECT * FROM read_csv('{file}')", "SELECT * FROM read_text('{file}')",
        "SELECT * FROM glob('/*')", "COPY points TO '{file}.csv'", "ATTACH '{file}.db'", "INSTALL httpfs",
        "LOAD httpfs", "SET enable_external_access = true", "DROP VIEW points", "CREATE TABLE more AS SELECT 1",
        "SELECT 1; SELECT 2", "", "SELECT * FROM table_of_python", "SELECT bogus FROM points", "SELEC 1",
        "PRAGMA version",
    ],
)  # fmt: skip
def test_what_does_more_than_ask_the_store_is_refused(folder, tmp_path, sql):
    file = tmp_path / "other.csv"
    file.write_text("secret\n")
    table_of_python = [1]  # noqa: F841 (DuckDB finds variables by name, unless told not to)
    with pytest.raises(InputError, match=r"^query: ") as said:
        query(folder, sql.format(file=file))
    assert "\n" not in str(said.value)
    assert "secret" not in str(said.value)
    assert list(tmp_path.iterdir()) == [file]


def test_the_verb(folder, tmp_path):
    found = asked(folder)
    assert found.exit_code == 0
    assert found.stdout.startswith("5 points, 1 of them failed")
    assert json.loads(asked(folder, "--json").stdout)["failed"] == 1
    data = json.loads(asked(folder, "SELECT floor, error FROM points ORDER BY index DESC LIMIT 2", "--json").stdout)
    assert data == {"columns": ["floor", "error"], "rows": [[1.0, "does not fit"], [0.75, None]]}
    csv = tmp_path / "a.csv"
    found = asked(folder, "SELECT n, passed, floor / 3 AS third FROM points ORDER BY n LIMIT 2", "--csv", csv)
    assert found.stdout.splitlines()[-1] == "2 rows"
    assert csv.read_text() == "n,passed,third\n0,false,0.0\n1,false,0.08333333333333333\n"


def test_the_verb_refuses(folder, tmp_path):
    for words in ((tmp_path,), (folder, "SELECT nothing FROM points"), (folder, "--csv", tmp_path / "a.csv")):
        found = asked(*words)
        assert found.exit_code == 2
        assert found.stdout == ""
        assert len(found.stderr.splitlines()) == 1


def test_more_rows_than_fit_are_counted(folder):
    found = asked(folder, "SELECT a.index FROM points a, points b, points c ORDER BY 1")
    assert found.stdout.splitlines()[-1] == "125 rows, 85 of them not shown; --csv FILE has all"
