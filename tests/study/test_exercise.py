"""An exercise from its arguments to its file, on a virtual accelerator."""

from __future__ import annotations

import json
from contextlib import contextmanager

import pytest

from clustersim.errors import InputError
from clustersim.instrument.patterns import PATTERNS
from clustersim.instrument.recording import read_recording
from clustersim.report.exercise import (
    SAYS,
    exercised_data,
    exercised_text,
    list_data,
    list_text,
    scripts_data,
    scripts_text,
)
from clustersim.study.devices.exercise import Kit, exercise, lead_s, scripts
from tests.instrument.fake_machine import VirtualMachine, VirtualSampler


class Virtual:
    """A computer with two accelerators, of which the second is exercised."""

    def __init__(self, same=True, **machine):
        self.machine = VirtualMachine(**machine)
        self.made = []
        self.kit = Kit(self.place, self.sampler, self.open_machine, lambda place, machine: same, self.sleep)

    def place(self, device):
        self.made.append(device)
        return 1

    @contextmanager
    def sampler(self):
        self.made.append("sampler")
        yield VirtualSampler(self.machine, 2)
        self.made.append("closed")

    def open_machine(self, device, seed):
        self.made.append((device, seed, self.machine.now()))
        return self.machine

    def sleep(self, seconds):
        self.machine.time_s += seconds


def test_patterns_are_recorded_one_after_another(tmp_path):
    computer, told, out = Virtual(precisions=("bf16", "fp32")), [], tmp_path / "new" / "h100.parquet"
    found = exercise(["step", "levels"], out, "cuda:1", 0.1, 5, told.append, kit=computer.kit)
    assert computer.made == ["cuda:1", "sampler", ("cuda:1", 5, 100.0 + lead_s(0.1)), "closed"]
    assert computer.machine.asked[-1] == "close"
    assert [one.pattern for one in found.performed] == ["step", "levels"]
    assert all(one.whole for one in found.performed)
    assert found.left_out == ("fp16", "tf32", "fp8")
    recording = read_recording(out)
    assert recording.name == "h100"
    assert recording.conditions == {
        "torch": "none", "accelerator": "virtual", "patterns": "step levels", "scale": "0.1", "seed": "5",
    }  # fmt: skip
    assert {one.device for one in recording.markers} == {1}
    # idle comes first, before there was a machine
    assert (recording.markers[0].activity, recording.markers[0].words) == ("idle", {"pattern": "lead"})
    assert recording.markers[0].end_s == pytest.approx(lead_s(0.1))
    expected = scripts(["step", "levels"], 0.1, 5, ("bf16", "fp32"))
    assert len(found.markers) == 1 + sum(one.count for one in expected)
    assert told[0] == "idle, before anything runs"
    assert any(line.startswith("levels 1/") for line in told)


def test_a_stop_keeps_what_was_recorded(tmp_path):
    computer, out = Virtual(), tmp_path / "cut.parquet"
    found = exercise(
        ["products", "duty"], out, scale=0.1, kit=computer.kit, stop=lambda: len(computer.machine.asked) >= 10
    )
    assert found.stopped
    assert [(one.parts, one.whole) for one in found.performed] == [(10, False)]
    assert len(read_recording(out).markers) == 11
    text = exercised_text(found, out)
    assert f"products: 10 of {scripts(['products'], 0.1)[0].count} parts" in text


def test_what_was_recorded_is_told(tmp_path):
    out = tmp_path / "made.parquet"
    found = exercise(["duty"], out, scale=0.2, kit=Virtual(precisions=("bf16",)).kit)
    told = {row["activity"]: row for row in exercised_data(found, out)["activities"]}
    assert set(told) == {"idle", "matrix", "context"}
    assert told["matrix"]["mean_w"] == pytest.approx(400.0, rel=0.02)
    assert told["idle"]["mean_w"] == pytest.approx(100.0, rel=0.02)
    assert told["matrix"]["markers"] == told["context"]["markers"]
    json.dumps(exercised_data(found, out), allow_nan=False)
    text = exercised_text(found, out)
    assert "virtual accelerator: " in text
    assert "without products in fp16, tf32, fp32, fp8, which it does not have" in text
    assert str(out) in text


@pytest.mark.parametrize(
    ("patterns", "name", "computer", "said"),
    [
        (["lavels"], "a.parquet", Virtual(), "did you mean 'levels'"),
        (["levels"], "a.csv", Virtual(), r"--out: expected a name that ends in \.parquet"),
        (["products", "step"], "a.parquet", Virtual(spins=False), "exercise step: no kernels that wait"),
        (["levels"], "a.parquet", Virtual(same=False), "cuda:0 is not GPU 1 of NVML"),
        (["levels"], "a.parquet", Virtual(precisions=()), "products in one of the known precisions"),
    ],
)
def test_what_is_wrong_is_said_before_it_takes_time(tmp_path, patterns, name, computer, said):
    with pytest.raises(InputError, match=said):
        exercise(patterns, tmp_path / name, kit=computer.kit)
    assert list(tmp_path.iterdir()) == []
    assert not [one for one in computer.machine.asked if one != "close"]
    assert computer.machine.asked == (["close"] if any(isinstance(one, tuple) for one in computer.made) else [])


def test_an_error_on_the_way_frees_the_machine(tmp_path):
    computer = Virtual()
    computer.machine.idle = lambda seconds: 1 / 0
    with pytest.raises(ZeroDivisionError):
        exercise(["duty"], tmp_path / "a.parquet", kit=computer.kit)
    assert computer.machine.asked[-1] == "close"
    assert list(tmp_path.iterdir()) == []


def test_every_pattern_is_listed_with_what_it_is_for():
    assert set(SAYS) == set(PATTERNS)
    made = scripts((), 0.5)
    assert [one["name"] for one in list_data(made)["patterns"]] == list(PATTERNS)
    text = list_text(made)
    assert all(f"{name} " in text and says in text for name, says in SAYS.items())


@pytest.mark.parametrize("pattern", sorted(PATTERNS))
def test_a_script_is_told_whole(pattern):
    made = scripts([pattern])
    data = json.loads(json.dumps(scripts_data(made), allow_nan=False))["scripts"][0]
    assert data["parts"] == sum(one["times"] * len(one["parts"]) for one in data["rounds"])
    assert data["seconds"] == pytest.approx(
        sum(one["times"] * part["seconds"] for one in data["rounds"] for part in one["parts"])
    )
    text = scripts_text(made)
    assert text.startswith(f"{pattern.upper()}  {made[0].count} parts")
    assert all(one.name in text for one in made[0].rounds)
    assert all(len(line) <= 150 for line in text.splitlines())
