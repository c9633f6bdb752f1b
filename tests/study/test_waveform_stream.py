"""Waveforms at nodes of the tree: children add up, resolutions agree, memory does not grow; coherence of ranks."""

import dataclasses

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.study.step import study_step
from clustersim.study.waveforms import stream as waveform_stream
from clustersim.study.waveforms.coherence import coherence, pair_correlation
from clustersim.study.waveforms.file import write_pieces
from clustersim.study.waveforms.stream import Piece, stream
from clustersim.study.waveforms.tree_nodes import find_node, rank_share
from clustersim.training.records import JitterSpec

RACK = "memphis/hall_2/rack_1"


@pytest.fixture(scope="module")
def study(scenario):
    return study_step(scenario())


def _watts(study, names, dt_s, seconds):
    pieces = list(stream(study, [find_node(study, name) for name in names], dt_s, seconds))
    assert [p.first for p in pieces] == np.cumsum([0, *(p.watts.shape[1] for p in pieces)])[:-1].tolist()
    return np.hstack([p.watts for p in pieces])


def test_servers_add_up_to_their_rack_and_halls_to_the_site(study):
    servers = [f"{RACK}/server_{k}" for k in range(1, 9)]
    watts = _watts(study, [RACK, *servers], 1e-3, 3.0)
    # a rack's supplies are loaded alike; servers on two stages of a pipeline are not
    np.testing.assert_allclose(watts[1:].sum(axis=0), watts[0], rtol=5e-3)
    halls = [f"memphis/hall_{k}" for k in range(1, 5)]
    watts = _watts(study, ["memphis/it", *halls], 1e-3, 3.0)
    network = study.place.network_watts["memphis"]
    np.testing.assert_allclose(watts[1:].sum(axis=0) + network, watts[0], rtol=1e-9)


def test_racks_add_up_to_their_hall(study):
    racks = [f"memphis/hall_1/rack_{k}" for k in range(1, 9)]
    watts = _watts(study, ["memphis/hall_1", *racks], 10e-3, 3.0)
    np.testing.assert_allclose(watts[1:].sum(axis=0), watts[0], rtol=5e-3)


def test_buildings_are_their_halls(scenario):
    study = study_step(scenario(topology__site__memphis__buildings=2))
    names = ["memphis/it", "memphis/building_1", "memphis/building_2", *(f"memphis/hall_{k}" for k in range(1, 5))]
    for nodes in (names, [*names, "memphis"]):
        watts = _watts(study, nodes, 10e-3, 3.0)
        np.testing.assert_allclose(watts[1], watts[3] + watts[4], rtol=1e-9)
        np.testing.assert_allclose(watts[2], watts[5] + watts[6], rtol=1e-9)
    assert (watts[7] > watts[0]).all()
    with pytest.raises(InputError, match="divisor of halls = 4, found 3"):
        scenario(topology__site__memphis__buildings=3)


def test_meter_and_site_are_those_of_a_run(scenario):
    """What has a memory goes through the functions of a run; the same steps give the same tree."""
    study = study_step(scenario(damping=[{"kind": "site_battery", "time_constant": "30 s"}, {"kind": "psu_storage"}]))
    names = ["meter", "memphis", "memphis/it", "memphis/cooling", "memphis/losses", "memphis/battery", RACK]
    watts = dict(zip(names, _watts(study, names, 10e-3, 30.0), strict=True))
    total = sum(watts[f"memphis/{name}"] for name in ("it", "cooling", "losses", "battery"))
    np.testing.assert_allclose(total, watts["memphis"], rtol=1e-9)
    np.testing.assert_allclose(watts["meter"], watts["memphis"], rtol=1e-12)
    assert np.ptp(watts["meter"]) < 0.6 * np.ptp(watts["memphis/it"])
    bare = _watts(study_step(scenario()), [RACK, "memphis/it"], 10e-3, 30.0)
    # the supplies' capacitors take the quickest part off a rack, and no energy
    assert np.abs(np.diff(watts[RACK])).max() < np.abs(np.diff(bare[0])).max()
    assert watts[RACK].mean() == pytest.approx(bare[0].mean(), rel=5e-3)


def test_a_record_that_would_not_fit(study):
    with pytest.raises(InputError, match=r"too many at once .* a step of 0\.012 s or more"):
        list(stream(study, [find_node(study, "meter")], 1e-3, 86400.0))
    with pytest.raises(InputError, match="this scenario has meter, memphis, memphis/it"):
        list(stream(study, [find_node(study, "memphis/load_bank")], 10e-3, 1.0))


def test_a_server_is_its_accelerators_and_the_rest(study):
    server = f"{RACK}/server_2"
    watts = _watts(study, [server, *(f"{server}/accelerator_{k}" for k in range(1, 9))], 1e-3, 2.0)
    np.testing.assert_allclose(study.place.power[0].server_w(watts[1:].sum(axis=0), 8), watts[0], rtol=1e-9)


@pytest.mark.parametrize("dt_s", [2e-4, 5e-3, 0.05, 1.0])
def test_samples_are_means_of_finer_ones(study, dt_s):
    names = [f"{RACK}/server_2/accelerator_3", "memphis/it", RACK]
    fine, coarse = (_watts(study, names, dt, 6 * dt_s).reshape(3, 6, -1).mean(axis=2) for dt in (dt_s / 2, dt_s))
    np.testing.assert_allclose(fine[0], coarse[0], rtol=1e-9)
    # supplies see the bins that they are given; their losses are not linear
    np.testing.assert_allclose(fine, coarse, rtol=2e-3)


def test_pieces_do_not_change_the_samples(study, monkeypatch):
    whole = _watts(study, ["memphis/it", RACK], 10e-3, 40.0)
    monkeypatch.setattr(waveform_stream, "CHUNK", 50)
    pieces = list(stream(study, [find_node(study, name) for name in ("memphis/it", RACK)], 10e-3, 40.0))
    assert len(pieces) > 5
    np.testing.assert_allclose(np.hstack([p.watts for p in pieces]), whole, rtol=1e-9)


@pytest.mark.parametrize("factor", [1, 2, 7, 50, 400])
@pytest.mark.parametrize("cuts", [(), (1,), (3, 4, 5, 9), (100, 101, 250), (399,)])
def test_means_do_not_depend_on_the_pieces(factor, cuts):
    bins = np.random.default_rng(factor).normal(size=(3, 400))
    found = np.hstack(list(waveform_stream.sample_means(np.split(bins, cuts, axis=1), factor)))
    np.testing.assert_allclose(found, bins[:, : 400 // factor * factor].reshape(3, -1, factor).mean(axis=2), atol=1e-12)


@pytest.mark.parametrize(("step", "length"), [("0 s", "1 s"), ("1 s", "0 s"), ("1e29 s", "1e29 s"), ("-1 s", "1 s")])
def test_odd_steps_and_lengths(step, length):
    done = CliRunner().invoke(app, ["waveform", "colossus_200k", "--step", step, "--length", length])
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_every_rank_is_under_one_accelerator(study):
    plan = study.plan
    total = sum(
        rank_share(study, find_node(study, f"memphis/hall_{h}/rack_{r}")) for h in range(1, 5) for r in range(1, 9)
    )
    np.testing.assert_allclose(total, 1.0)
    assert total.shape == (study.fleet.unit_class.size, plan.pipeline)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("memphs/it", "did you mean 'memphis'"),
        ("memphis/hall_9", "expected hall_1 to hall_4"),
        ("memphis/hall_1/rack_9", "expected rack_1 to rack_8"),
        ("memphis/hall_1/server_1", "expected rack_1 to rack_8"),
        ("memphis/hall_1/rack_1/server_1/accelerator_1/x", "expected meter, SITE"),
    ],
)
def test_a_node_that_is_not_there(study, name, said):
    with pytest.raises(InputError, match=said):
        find_node(study, name)


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    def broken():
        yield Piece(0, np.ones((1, 5)))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_pieces(tmp_path / "w.parquet", broken(), ["a"], 0.1, {})
    assert list(tmp_path.iterdir()) == []
    pieces = [Piece(0, np.array([[1.0, 2.0]])), Piece(2, np.array([[6.0]]))]
    account = write_pieces(tmp_path / "w.parquet", pieces, ["a"], 0.5, {"unit": "W"})
    assert (account.samples, account.mean[0], account.highest[0], account.lowest[0]) == (3, 3.0, 6.0, 1.0)
    table = pq.read_table(tmp_path / "w.parquet")
    assert table.to_pydict() == {"time_s": [0.0, 0.5, 1.0], "a": [1.0, 2.0, 6.0]}
    assert table.schema.metadata[b"unit"] == b"W"


def test_pair_correlation_of_exact_cases():
    t = np.arange(1000) / 1000
    wave = np.sin(2 * np.pi * 5 * t)
    assert pair_correlation(np.stack([wave, 3 * wave])) == pytest.approx(2 * 3 / 10)
    assert pair_correlation(np.stack([wave] * 7)) == pytest.approx(1.0)
    shifted = np.stack([np.sin(2 * np.pi * (5 * t + k / 4)) for k in range(4)])
    assert pair_correlation(shifted) == pytest.approx(-1 / 3)
    noise = np.random.default_rng(1).normal(size=(50, 4000))
    assert abs(pair_correlation(noise)) < 0.01
    assert np.isnan(pair_correlation(np.ones((3, 100))))


def test_coherence_falls_with_jitter(study):
    """Without jitter the ranks of one stage are in lock-step; jitter takes from that."""
    quiet = dataclasses.replace(study, jitter=JitterSpec(0.0, 0.0), slow=np.ones_like(study.slow))
    found = {}
    for name, one in (("quiet", quiet), ("jitter", study)):
        found[name] = {c.name: c for c in coherence(one, 6.0, 8)}
    strong = dataclasses.replace(study, jitter=JitterSpec(0.2, 0.0), slow=np.ones_like(study.slow))
    found["strong"] = {c.name: c for c in coherence(strong, 6.0, 8)}
    assert found["quiet"]["stage"].overall == pytest.approx(1.0, abs=1e-9)
    stage = {name: of["stage"].overall for name, of in found.items()}
    assert stage["quiet"] > stage["jitter"] > stage["strong"]
    assert found["quiet"]["all"].overall > found["strong"]["all"].overall
    # fast movements lose their coherence first
    assert found["strong"]["stage"].bands[2] < found["strong"]["stage"].bands[0]


def test_coherence_falls_with_the_time_of_hand_overs(study):
    """The later work arrives from the stage before, the further apart the stages of a replica are."""
    found = []
    for message_s in (0.0, 0.1, 0.3):
        timing = dataclasses.replace(study.timing, message_s=message_s)
        quiet = dataclasses.replace(study, timing=timing, jitter=JitterSpec(0.0, 0.0), slow=np.ones_like(study.slow))
        found.append({c.name: c.overall for c in coherence(quiet, 12.0, 4)})
    assert found[0]["all"] > found[1]["all"] > found[2]["all"]
    assert [one["stage"] for one in found] == pytest.approx([1.0] * 3, abs=1e-9)


def test_coherence_falls_with_the_depth_of_the_pipeline(scenario):
    found = []
    for pipeline in (2, 4, 8):
        plan = {"tensor": 8, "pipeline": pipeline, "data": 256 // pipeline, "micro_batches": 8}
        deep = study_step(scenario(job__plan=plan, job__tokens_per_step_max=32_000_000))
        quiet = dataclasses.replace(deep, jitter=JitterSpec(0.0, 0.0), slow=np.ones_like(deep.slow))
        found.append(coherence(quiet, 6.0, 4)[0].overall)
    assert 1.0 > found[0] > found[1] > found[2] > 0.0


def test_the_verb(tmp_path):
    done = CliRunner().invoke(app, ["waveform", "colossus_200k", "--length", "2 s", "--out", str(tmp_path / "w.csv")])
    assert done.exit_code == 2
    assert "ends in .parquet" in done.output
    band = tmp_path / "band.csv"
    done = CliRunner().invoke(app, ["waveform", "colossus_200k", "--length", "2 s", "--band", str(band)])
    assert done.exit_code == 0
    rows = np.loadtxt(band, delimiter=",", skiprows=1)
    assert ((rows[:, 2] <= rows[:, 1]) & (rows[:, 1] <= rows[:, 3])).all()
    assert rows[:, 2].mean() < 0.97 * rows[:, 1].mean()
    done = CliRunner().invoke(app, ["waveform", "colossus_200k", "--node", "memphis", "--length", "0.1 ms"])
    assert done.exit_code == 2
    assert "at least one sample" in done.output
