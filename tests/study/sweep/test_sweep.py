"""A sweep into a store: every point once, rows for all, failures told, resumed where it stopped."""

import pytest

from clustersim.errors import InputError
from clustersim.study.sweep import work
from clustersim.study.sweep.overview import overview
from clustersim.study.sweep.points import Points
from clustersim.study.sweep.store import Store
from clustersim.study.sweep.sweep import lay_out, run_sweep, todo
from tests.study.sweep.conftest import COUNT, FLOOR, HereEngine

AXES = {COUNT: [2048, 4096, 2048], FLOOR: ["10 s", "-1 s", "30 s"]}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Answer from the scenario alone, without a simulation."""

    def answers(scenario):
        count = scenario.topology.site["memphis"].fleet[0].count
        return {"peak_mw": 0.002 * count, "goodput": None, "seed_seen": float(scenario.seed)}

    monkeypatch.setitem(work.LEVELS, "step", answers)


def swept(study, folder, engine=None, **options):
    found = lay_out(study)
    with Store.open(folder, found.header, found.columns, found.about) as store:
        run_sweep(found, engine or HereEngine(), store, **options)
        store.finish()
        return store.table()


def test_duplicates_run_once_and_a_bad_point_stops_no_other(study_of, tmp_path):
    engine = HereEngine()
    table = swept(
        study_of(axes=AXES, derive={"each": "peak_mw / count"}, require="peak_mw < 6"), tmp_path / "s", engine
    )
    assert len(engine.asked) == len(set(engine.asked)) == 6
    assert table["index"].tolist() == list(range(9))
    assert table["count"].tolist() == [2048] * 3 + [4096] * 3 + [2048] * 3
    bad = table["time_constant_s"] == -1
    assert table["error"].notna().tolist() == bad.tolist()
    assert table["error"][1].startswith("small.yaml: damping.0.")
    good = table[~bad]
    assert good["each"].tolist() == pytest.approx([0.002] * 6)
    assert good["feasible"].tolist() == [True, True, False, False, True, True]
    assert table["feasible"][bad].isna().all()
    seen = overview(tmp_path / "s")
    assert (seen.failed, seen.feasible, seen.errors[0][1]) == (3, (4, 6), 3)
    assert [one.key for one in seen.spreads] == ["each", "peak_mw"]


def test_a_sweep_goes_on_where_it_was_stopped_with_the_same_table(study_of, tmp_path):
    whole = swept(study_of(axes=AXES), tmp_path / "whole")
    first, second = HereEngine(stop_after=2), HereEngine()
    with pytest.raises(KeyboardInterrupt):
        swept(study_of(axes=AXES), tmp_path / "parts", first)
    table = swept(study_of(axes=AXES), tmp_path / "parts", second)
    assert table.equals(whole)
    assert (len(first.asked), len(second.asked)) == (2, 4)
    assert (tmp_path / "parts" / "points.parquet").read_bytes() == (tmp_path / "whole" / "points.parquet").read_bytes()


def test_points_with_the_same_step_are_answered_side_by_side(study_of, tmp_path):
    study = study_of(
        axes={
            FLOOR: ["10 s", "20 s"],
            COUNT: [2048, 4096],
            "topology.electrical.memphis.grid.capacity": ["300 MW", "400 MW"],
        }
    )
    found = lay_out(study)
    with Store.open(tmp_path / "s", found.header) as store:
        order = [found.points.at(found.places[one][0]).columns["count"] for one in todo(found, store)]
    assert order == [2048] * 4 + [4096] * 4


def test_failed_points_are_answered_again_when_asked(study_of, tmp_path, monkeypatch):
    study = study_of(axes=AXES)
    swept(study, tmp_path / "s")
    found = lay_out(study)
    with Store.open(tmp_path / "s", found.header) as store:
        assert todo(found, store) == []
        assert len(todo(found, store, retry_failed=True)) == 2


def test_a_store_of_another_study_is_refused_and_left(study_of, tmp_path):
    table = swept(study_of(axes=AXES), tmp_path / "s")
    with pytest.raises(InputError, match="another study"):
        swept(study_of(axes=AXES | {COUNT: [1024]}), tmp_path / "s")
    assert swept(study_of(axes=AXES), tmp_path / "s").equals(table)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"derive": {"x": "peak_mww * 2"}}, "derive.x: unknown name 'peak_mww'; did you mean 'peak_mw'"),
        ({"require": ["peek_mw < 1"]}, "require.0: unknown name 'peek_mw'"),
        ({"keys": ["peak_mww"]}, "keys: unknown answer 'peak_mww'; did you mean 'peak_mw'"),
        ({"derive": {"peak_mw": "goodput + 1"}}, "is that of an answer"),
    ],
)
def test_names_of_answers_are_checked_with_the_first_row(study_of, tmp_path, keys, told):
    with pytest.raises(InputError, match=told):
        swept(study_of(axes=AXES, **keys), tmp_path / "s")


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"require": ["peek_mw < 1"]}, "require.0: unknown name 'peek_mw'; did you mean 'peak_mw'"),
        ({"keys": ["peak_mww"]}, "keys: unknown answer 'peak_mww'; did you mean 'peak_mw'"),
        ({"axes": {"job.plan.micro_batches": [8]}}, "the name 'micro_batches' is that of an answer"),
    ],
)
def test_names_of_a_runs_answers_are_checked_before_a_point_runs(study_of, keys, told):
    with pytest.raises(InputError, match=told):
        lay_out(study_of(**{"axes": AXES, "evaluate": "steady"} | keys))


def test_what_is_missing_is_null_and_a_formula_without_value_is_told(study_of, tmp_path):
    derive = {"a": "goodput * 2", "b": "1 / (peak_mw - 4.096)"}
    table = swept(study_of(axes={COUNT: [2048, 4096]}, derive=derive, require="goodput > 0"), tmp_path / "s")
    assert table["a"].isna().all()
    assert table["feasible"].isna().all()
    assert "divides by zero" in table["error"][0]
    assert table["peak_mw"].tolist() == pytest.approx([4.096, 8.192])
    assert table["b"].isna().tolist() == [True, False]


def test_keys_are_all_that_is_kept(study_of, tmp_path):
    table = swept(study_of(axes={COUNT: [2048]}, keys=["peak_mw"], seeds=2), tmp_path / "s")
    assert list(table) == ["index", "point_id", "count", "seed", "peak_mw", "error"]
    assert table["seed"].tolist() == [1, 2]


def test_a_derived_input_without_value_fails_its_point_alone(study_of, tmp_path):
    derive = {"x": {"value": "1 / (count - 2048)", "set": "operation.restart_time", "unit": "s"}}
    table = swept(study_of(axes={COUNT: [2048, 4096]}, derive=derive), tmp_path / "s")
    assert "divides by zero" in table["error"][0]
    assert table["error"].isna().tolist() == [False, True]


def test_the_work_of_a_point_never_raises_what_the_point_causes(study_of, monkeypatch):
    points = Points(study_of(axes={COUNT: [2048]}))
    task = points.task(points.at(0))

    def broken(_):
        raise ZeroDivisionError("a\nb")

    monkeypatch.setitem(work.LEVELS, "step", broken)
    assert work.evaluate_task(task).error == "ZeroDivisionError: a; b"
    monkeypatch.setitem(work.LEVELS, "step", lambda _: {"x": [1]})
    assert "expected a scalar" in work.evaluate_task(task).error
    for stop in (KeyboardInterrupt, MemoryError):

        def stopped(_, stop=stop):
            raise stop

        monkeypatch.setitem(work.LEVELS, "step", stopped)
        with pytest.raises(stop):
            work.evaluate_task(task)


def test_a_figure_of_the_catalog_reaches_the_point(study_of, tmp_path, monkeypatch):
    from clustersim.catalog import entry, overlays

    monkeypatch.setitem(work.LEVELS, "step", lambda _: {"seen_w": entry("accelerators", "H100-SXM").si("tdp")})
    axes = {"catalog.accelerators.H100-SXM.tdp": ["650 W", "0.7 kW"]}
    table = swept(study_of(axes=axes), tmp_path / "s")
    assert table["seen_w"].tolist() == table["tdp_w"].tolist() == [650.0, 700.0]
    assert overlays() == ()
