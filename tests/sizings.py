"""Sizings put together by hand: what a search would find, without its minutes."""

from __future__ import annotations

from clustersim.study.sizing.bounds import Bound
from clustersim.study.sizing.prepared import Judged, Prices, Row
from clustersim.study.sizing.proof import Check, Neighbour
from clustersim.study.sizing.sizing import Aside, Sizing
from clustersim.study.sizing.space import Design, Item

RULE = "ercot-5s-range"


def row(measured, margin, passed):
    return Row(RULE, "memphis", measured, 10.0, "MW", margin, passed, "steady", "")


def judged(battery_w, measured, usd):
    design = Design(battery_w=battery_w, battery_j=battery_w * 7389.5, battery_tau_s=31.6 if battery_w else 0.0)
    margin = (10.0 - measured) / 10.0
    return Judged(design, (row(measured, margin, margin >= 0.0),), usd, 2e13, 0.0, usd / 10.0, 0.0)


def sizing(scenario, *, passes):
    """Return what sizing a scenario at Memphis for its own rules may find."""
    without, best, more = judged(0.0, 40.0, 0.0), judged(15.8e6, 9.5, 8.1e6), judged(20e6, 7.0, 10e6)
    strongest = judged(20e6, 12.0, 10e6)
    plant = scenario.topology.electrical["memphis"]
    battery = plant.battery.model_copy(update={"power": 15.8e6})
    electrical = {"memphis": plant.model_copy(update={"battery": battery})}
    sized = scenario.model_copy(
        update={"topology": scenario.topology.model_copy(update={"electrical": electrical})}
    )  # fmt: skip
    hopeless = Aside(without.rows[0], -0.2)
    return Sizing(
        scenario=scenario,
        meet=("own",),
        elements=("site_battery",),
        prices=Prices(2e-8, 0.0),
        without=without,
        not_damping=(),
        unmet=() if passes else (hopeless,),
        not_judged=(Row("flicker-pst", "memphis", float("nan"), 0.8, "x", float("nan"), None, "", "not judged"),),
        winner=best if passes else None,
        nearest=best if passes else strongest,
        bill=(Item("battery: megapack_2xl", 32432.0, "kWh", 250.0, 8.1e6, 4e5, "T", True),) if passes else (),
        front=(best, more) if passes else (),
        neighbours=(Neighbour("battery: power", Design(battery_w=15e6), row(10.2, -0.02, False)),) if passes else (),
        checks=(Check("nominal", True, best.rows[0]), Check("inertia x 0.8", True, best.rows[0])) if passes else (),
        sturdy=None,
        bounds=(Bound(RULE, "memphis", 40e6, 15e6, 2e8, "(swing - L) / 2"),),
        refused=(),
        notes=(),
        evaluations=43,
        sized=sized if passes else None,
        wall_s={},
    )
