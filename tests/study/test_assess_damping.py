"""A trace behind damping: one chain in the order of the places, its account, and rules before and after."""

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.power.trace import PowerTrace
from clustersim.power.trace_files import Columns
from clustersim.study.measured.assess import Devices, Question, assess, setting_of
from clustersim.study.measured.damping import elements, overhead_by_ratio, read_damping

DT = 0.02
PROFILE = "{kind: gpu_smoothing_profile, percent_tmp_floor: 80 %, ramp_down_hysteresis: 1 s}"
ALL = f"""
- {{kind: load_bank, power: 20 MW, ramp_down: 5 MW/s}}
- {{kind: rack_storage, energy_per_accelerator: 20 kJ, power_per_accelerator: 1 kW, time_constant: 10 s}}
- {{kind: site_battery, time_constant: 20 s, power: 30 MW, energy: 60 MWh, type: megapack_2xl}}
- {{kind: gradual_start, start: 0 s, initial: 30 MW, rate: 5 MW/s}}
- {{kind: psu_storage}}
- {PROFILE}
- {{kind: hybrid_storage, split: 0.05 Hz, capacitor_energy: 100 MJ, capacitor_power: 20 MW, battery_energy: 10 MWh,
   battery_power: 20 MW, time_constant: 30 s}}
- {{kind: phase_stagger, groups: 2, period: 4 s}}
"""
DEVICES = Devices(count=50_000, tmp_w=1000.0, idle_w=180.0)


def square(seconds=240.0, low=18e6, high=50e6):
    times = DT * np.arange(round(seconds / DT))
    return PowerTrace("square", 0.0, DT, np.where(times % 4.0 < 3.0, high, low))


@pytest.fixture
def setting(tmp_path):
    def make(text, devices=DEVICES, columns=None, place=None):
        path = tmp_path / "damping.yaml"
        path.write_text(text)
        return setting_of(columns or Columns(), path, devices, place)

    return make


def test_every_kind_takes_part_in_order_and_the_account_closes(setting):
    found = assess(square(), setting=setting(ALL)).damped
    assert [(report.level, report.name) for report in found.reports] == [
        ("rank", "gradual_start"),
        ("rank", "gpu_smoothing_profile"),
        ("node", "psu_storage"),
        ("rack", "rack_storage"),
        ("site", "load_bank"),
        ("site", "site_battery"),
        ("site", "hybrid_storage"),
        ("site", "phase_stagger"),
    ]
    came = square().energy_j
    for report in found.reports:
        assert report.energy_in_j == pytest.approx(came, rel=1e-9)
        assert abs(report.residual_j) <= 1e-9 * came
        came = report.energy_out_j
    assert found.judged.trace.energy_j == pytest.approx(came, rel=1e-9)
    assert found.energy_change == pytest.approx(came / square().energy_j - 1.0)
    assert found.reports[3].stores[0].full_cycles > 0.0


def test_rules_are_judged_before_and_behind(setting):
    text = "- {kind: rack_storage, energy_per_accelerator: 20 kJ, power_per_accelerator: 1 kW, time_constant: 60 s}"
    found = assess(square(), setting=setting(text))
    before, behind = (
        j.verdict.table.set_index("rule").loc["ercot-5s-range"] for j in (found.plain, found.damped.judged)
    )
    assert before.measured == pytest.approx(32.0)
    assert (before.passed, behind.passed) == (False, True)
    assert found.verdict is found.plain.verdict
    assert found.damped.judged.statistics["swing_mw"] < 0.1 * found.statistics["swing_mw"]
    assert found.damped.overhead > 0.0


def test_without_effect_nothing_changes(setting):
    found = assess(square(), setting=setting("- {kind: load_bank, power: 1 W}"))
    assert found.damped.judged.trace.watts == pytest.approx(found.trace.watts, rel=1e-7)
    assert found.damped.judged.statistics["swing_mw"] == pytest.approx(found.statistics["swing_mw"], rel=1e-6)


def test_below_the_site_damping_acts_on_every_unit_and_at_the_site_on_their_sum(setting):
    """A floor lifts each unit though the sum of independent ones never reaches it."""
    alone = assess(square(), setting=setting(f"- {PROFILE}")).damped
    many = assess(square(), Question(units=100, coherence=0.0), setting=setting(f"- {PROFILE}")).damped
    assert many.overhead == pytest.approx(alone.overhead, rel=1e-9)
    assert many.reports[0].burned_j == pytest.approx(100 * alone.reports[0].burned_j)
    assert many.reports[0].before.peak_to_peak_w == pytest.approx(10 * 32e6)
    assert many.judged.trace.watts.mean() == pytest.approx(100 * alone.judged.trace.watts.mean())
    bank = "- {kind: load_bank, power: 10 GW, floor: 4.2 GW}"
    loose = assess(square(), Question(units=100, coherence=0.0), setting=setting(bank)).damped
    tight = assess(square(), Question(units=100, coherence=1.0), setting=setting(bank)).damped
    assert loose.reports[0].burned_j < 0.5 * tight.reports[0].burned_j


def test_power_that_is_not_the_accelerators_is_left_alone(setting):
    """The same devices beside 10 MW of others: the same energy burned."""
    plain = assess(square(), setting=setting(f"- {PROFILE}")).damped.reports[0]
    more = PowerTrace("more", 0.0, DT, square().watts + 10e6)
    rest = Devices(count=50_000, tmp_w=1000.0, idle_w=180.0, rest_w=200.0)
    beside = assess(more, setting=setting(f"- {PROFILE}", rest)).damped.reports[0]
    assert beside.burned_j == pytest.approx(plain.burned_j, rel=1e-9)
    assert abs(beside.residual_j) <= 1e-9 * beside.energy_in_j
    assert beside.energy_in_j == pytest.approx(plain.energy_in_j + 10e6 * 240.0)
    with pytest.raises(InputError, match="rest: expected at most the lowest power"):
        assess(square(), setting=setting(f"- {PROFILE}", Devices(50_000, None, 1000.0, 180.0, 400.0)))


def test_figures_of_the_catalog_and_of_the_scale(setting):
    named = setting(f"- {PROFILE}", Devices(count=50_000, accelerator="B200"))
    profile = elements(named.damping, square())[0]
    assert profile.floor_w == pytest.approx(0.8 * 1000.0 * 50_000)
    scale = Columns(unit="pu", base_w=50e6, zero_w=9e6)
    lowest = setting(f"- {PROFILE}", Devices(count=50_000, tmp_w=1000.0), scale)
    assert elements(lowest.damping, square())[0].idle_w == pytest.approx(9e6)
    assert assess(square(), setting=lowest).damped.by_ratio.keys() >= {0.0, 0.18}


def test_times_are_those_of_the_trace(setting):
    late = PowerTrace("late", 100.0, DT, square().watts)
    text = "- {kind: gradual_start, start: 110 s, initial: 10 MW, rate: 1 MW/s}"
    out = assess(late, setting=setting(text)).damped.judged.trace
    assert out.between(100.0, 109.9).watts == pytest.approx(late.between(100.0, 109.9).watts)
    assert out.between(110.0, 110.1).watts.max() <= 10.2e6


def test_reactive_power_keeps_its_ratio(setting):
    trace = PowerTrace("q", 0.0, DT, square().watts, 0.3 * square().watts)
    out = assess(trace, setting=setting("- {kind: psu_storage}")).damped.judged.trace
    assert out.vars == pytest.approx(0.3 * out.watts)


def test_overhead_by_ratio_at_its_ends():
    before, after = np.array([1.0, 5.0, 9.0]), np.array([5.0, 5.0, 9.0])
    found = overhead_by_ratio(before, after, 9.0, 1.0, (0.0, 1.0))
    assert found == {0.0: pytest.approx(0.5 / 1.5), 1.0: pytest.approx(0.0)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "expected a list of records"),
        ("[]", "expected at least one damping record, found none"),
        ("damping: 3", "expected a list of records"),
        ("- {kind: psu_storag}", "0: Input tag 'psu_storag'"),
        ("- 7", "0: "),
        ("- {kind: load_bank}", "0.power: Field required"),
        ("- {kind: load_bank, power: 3}", "0.power: expected a power with a unit"),
        ("- {kind: psu_storage}\n- {kind: psu_storage, size: 3 J}", "1.size: Extra inputs"),
        ("- {kind: psu_storage\n", "not valid YAML"),
        ("- &a {kind: psu_storage}\n- *a", "anchors and aliases are not supported"),
    ],
)
def test_files_that_are_wrong(tmp_path, text, told):
    path = tmp_path / "d.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_damping(path)
    assert told in str(error.value)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize(
    ("text", "devices", "told"),
    [
        ("- {kind: psu_storage}", Devices(), "psu_storage needs the number of accelerators"),
        (f"- {PROFILE}", Devices(count=10), "needs the power of one accelerator"),
        (f"- {PROFILE}", Devices(count=10, tmp_w=700.0), "needs the idle power of one accelerator"),
        (f"- {PROFILE}", Devices(count=10, accelerator="H1000"), "H1000"),
        (f"- {PROFILE}", Devices(count=10, tmp_w=700.0, idle_w=690.0), "idle and secondary floor <= floor"),
        (
            "- {kind: hybrid_storage, at: rack, split: 0.05 Hz, capacitor_energy: 1 MJ, capacitor_power: 1 MW,"
            " battery_energy: 1 MWh, battery_power: 1 MW, time_constant: 3 s}",
            DEVICES,
            "found at: rack",
        ),
        ("- {kind: gradual_start, at: hall, initial: 1 MW, rate: 1 MW/s}", DEVICES, "found at: hall"),
        ("- {kind: phase_stagger, groups: 2}", DEVICES, "expected a period"),
        (
            "- {kind: site_battery, time_constant: 3 s, power: 1 MW, energy: 1 MWh, type: megapack_2xl, lowest: 80 %}",
            DEVICES,
            "damping: site_battery",
        ),
        ("- {kind: site_battery, time_constant: 3 s}", DEVICES, "needs type, power and energy in the damping file"),
        ("- {kind: site_battery, time_constant: 3 s, power: 1 MW, energy: 1 MWh, type: powerwal}", DEVICES, "powerwal"),
    ],
)
def test_what_an_element_lacks_is_named(setting, text, devices, told):
    with pytest.raises(InputError, match=told):
        assess(square(), setting=setting(text, devices))


@pytest.mark.parametrize("wrong", [{"count": 0}, {"tmp_w": -1.0}, {"idle_w": -5.0}, {"rest_w": -1.0}])
def test_devices_that_make_no_sense(wrong):
    with pytest.raises(InputError):
        Devices(**wrong)


def test_the_band_of_charge_of_a_battery_is_kept(setting):
    text = (
        "- {kind: site_battery, time_constant: 600 s, power: 40 MW, energy: 20 kWh, type: megapack_2xl,"
        " lowest: 45 %, highest: 55 %, target: 50 %, recharge: 60 s}"
    )
    store = assess(square(), setting=setting(text)).damped.reports[0].stores[0]
    share = store.stored_j / store.capacity_j
    assert 0.45 - 1e-9 <= share.min() < 0.46
    assert 0.54 < share.max() <= 0.55 + 1e-9
