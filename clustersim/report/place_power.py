"""Supply, cooling and public figures of every place.

``python -m clustersim.report.place_power > docs/places_power.md``
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from clustersim.report.places import shipped_places
from clustersim.report.words import number
from clustersim.study.places.power import PlaceBalance, SiteBalance, place_balance
from clustersim.units import MWH_J

PER_MW = 1e-6
PER_MWH = 1.0 / MWH_J
WORDS = {
    "it": "IT power",
    "it.chilled": "IT power that the cooling can carry",
    "facility": "facility power",
    "connection": "connection",
    "generation": "generators on site",
    "heat": "heat that the cooling rejects",
}
MISSES = {
    ("alibaba_hpn7", "it"): (
        "The 18 MW are what a building of one pod may draw; servers at their ratings and a typical network draw as "
        "much within 3 %, the nameplates of 10.2 kW per server are above."
    ),
    ("deepseek_fleet", "facility"): (
        "Nameplates count 30,000 H20 in servers built for 700 W; at their ratings the fleet draws 66 MW, in the "
        "range. Its halls, UPS and chillers are assumed."
    ),
    ("goodyear_az", "facility"): (
        "The public figure is that of 2026 with 130,000 GPUs, part of them B200; this file has the interview's 100,000."
    ),
    ("gpt4_a100", "facility"): (
        "The interview counts 800 W per GPU with its server and nothing beyond; at their ratings the servers draw "
        "17.7 MW, the halls 21.1 MW with cooling and losses, and nameplates of 6.5 kW per server more."
    ),
    ("meta_128k", "it"): (
        "Nameplates are 1.5 kW per GPU with its network, and 128,000 at the 1.4 kW of the interview's own all-in "
        "figure would be 179 MW: the 140 to 150 MW said belong to 100,000 GPUs. At their ratings the servers draw "
        "162 MW."
    ),
    ("osmium", "facility"): ("190 MW is the whole project; the 25,000 A100 of the fleet need a seventh of it."),
}
"""Why a prediction lies outside the band of the public figure."""
SHORT = {
    "abilene_interview": (
        "1.8 GW to chips with 2.2 GW into the site is a ratio of 1.22; compressors, pumps, fans and transformers "
        "take 1.31 here and 1.40 at the peak in a later survey. At 1.22 the connection and the gas plant would do, "
        "without a spare."
    ),
    "colossus_2": (
        "Chillers and condensers are what 946 MW of IT would need; 440,000 GB300 in racks have a nameplate above "
        "that. What is counted as chillers carries 412 MW, and an article of 2026 saw cooling for about 350 MW "
        "(recalled)."
    ),
    "colossus_memphis": (
        "90 chillers fit the first 100,000 GPUs, not 200,000; the site then changed to towers. The meter's power "
        "here has the cooling of that part of the heat alone which the chillers reject."
    ),
    "colossus_memphis_2025": (
        "150 MW and 247 MW of permitted turbines are below the 442 MW that are listed as peak; turbines without a "
        "permit ran beside them. All turbines and the battery stand with the Hopper halls in this file."
    ),
}
"""Why a place is short of supply or cooling at its nameplates."""
HEADER = """# Power of the places

Supply and cooling of every file of `topologies/` against what its fleet draws, and the sums beside what is
public. This page is written by `python -m clustersim.report.place_power`; a test compares it with the files.
Public figures with their sources are in the catalog, kind `places`; how each value of a file came about is in the
file, under `provenance`.

The load is constant here, without a job: *nameplate* is what supplies and feeds must provide for (nameplates of
the servers, network at its maximum), *at ratings* is every accelerator at its rated power and the network at its
typical power. Cooling and the losses of the conversion stages are added as in a run (`site_load`). *N-1* is the
supply less the largest generator. Standby diesel sets are in no file: how many there are is not published.

## Predicted beside public

IT and facility power are predicted, at nameplate; connection, generators and heat are sums over the file's own
values and show how near the equipment of the catalog comes to what is published. Epoch AI gives a factor of 1.4
for its own figures, which is their band; other figures have the band that their confidence gives (reported 15 %,
estimate 30 %, recalled 50 %) or the range that was said.

"""
SUPPLY_HEADER = """
## Supply and cooling of the sites

Megawatts. `!` marks a supply or cooling below the nameplate load; the reasons stand below. Each site of a place
is its own bus with its part of what the place has: `abilene` divides one connection and ten turbines over eight
buildings, which `abilene_campus` has behind one meter. A study of frequency or voltage of such a campus is better
done on the latter: the buildings share a point of interconnection, and the swing of one is not in the voltage of
the other.

"""


def _mw(watts: float) -> str:
    return number(watts * PER_MW)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    head = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    return head + [f"| {' | '.join(row)} |" for row in rows]


def _public(found: Sequence[PlaceBalance]) -> list[str]:
    rows = []
    for place in found:
        for one in place.comparisons:
            inside = "yes" if one.inside else "no"
            band = f"{_mw(one.low_w)} to {_mw(one.high_w)}"
            cells = (f"`{place.name}`", WORDS[one.quantity], _mw(one.predicted_w), _mw(one.public_w), band)
            rows.append((*cells, f"{100.0 * one.error:+.0f} %", inside, one.source, one.note))
    columns = ("place", "quantity", "predicted [MW]", "public [MW]", "band [MW]", "error", "inside", "source", "note")
    return _table(columns, rows)


def _marked(limit_w: float, load_w: float) -> str:
    return _mw(limit_w) + (" !" if limit_w < load_w else "")


def _supply_row(place: PlaceBalance, site: SiteBalance) -> tuple[str, ...]:
    store = f"{_mw(site.battery_w)} / {number(site.battery_j * PER_MWH)} MWh" if site.battery_w else ""
    return (
        f"`{place.name}`",
        site.site,
        _mw(site.running_it_w),
        _mw(site.nameplate_it_w),
        _mw(site.running_w),
        _mw(site.nameplate_w),
        f"{site.pue:.2f}",
        _mw(site.connection_w),
        _mw(site.generation_w) if site.generation_w else "",
        _marked(site.supply_less_one_w, site.nameplate_w),
        store,
        _marked(site.heat_w, site.nameplate_heat_w),
    )


def short_sites(found: Sequence[PlaceBalance]) -> dict[str, list[str]]:
    """Return the sites whose supply less one generator, or whose cooling, is below the nameplate load, by place."""
    short: dict[str, list[str]] = {}
    for place in found:
        for site in place.sites:
            if site.supply_less_one_w < site.nameplate_w or site.heat_w < site.nameplate_heat_w:
                short.setdefault(place.name, []).append(site.site)
    return short


def misses(found: Sequence[PlaceBalance]) -> list[tuple[str, str]]:
    """Return place and quantity of every prediction outside the band of the public figure."""
    return [(place.name, one.quantity) for place in found for one in place.comparisons if not one.inside]


def place_power_markdown(found: Sequence[PlaceBalance]) -> str:
    """Return the page: predicted beside public, then supply and cooling of the sites, as Markdown."""
    columns = ["place", "site", "IT at ratings", "IT nameplate", "meter at ratings", "meter nameplate", "PUE"]
    columns += ["connection", "generators", "supply N-1", "battery", "cooling"]
    lines = _public(found)
    lines += ["", "Outside the band:", ""]
    lines += [f"- `{name}`, {WORDS[key]}: {MISSES[name, key]}" for name, key in misses(found)]
    text = HEADER + "\n".join(lines) + "\n" + SUPPLY_HEADER
    lines = _table(columns, [_supply_row(place, site) for place in found for site in place.sites])
    lines += ["", "Short at the nameplates:", ""]
    lines += [f"- `{name}` ({', '.join(sites)}): {SHORT[name]}" for name, sites in short_sites(found).items()]
    return text + "\n".join(lines) + "\n"


def shipped_balances() -> list[PlaceBalance]:
    """Return the balance of every shipped place, by name."""
    return [place_balance(place) for place in shipped_places()]


if __name__ == "__main__":
    sys.stdout.write(place_power_markdown(shipped_balances()))
