"""The one-line diagram of a place, drawn from its electrical trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from clustersim.catalog import entry
from clustersim.errors import InputError
from clustersim.plant import battery_energy_j, battery_rating_w, generator_rating_w
from clustersim.plant.electrical_tree import ElectricalTree, Level, feeds_of, firm_feeds_w
from clustersim.plant.spec import SitePlantSpec
from clustersim.plant.spec_parts.supply import BreakerSpec
from clustersim.report import svg, symbols
from clustersim.report.electrical_text import alike, limit_words, pu_text, rating_text, volts_text
from clustersim.report.style import GREEN, INK, ORANGE, RED
from clustersim.report.words import counted, number, percent
from clustersim.study.places.place import Place
from clustersim.study.site.electrical import nameplate_trees
from clustersim.units import MWH_J

LEFT, RIGHT, WORDS = 40.0, 560.0, 590.0
"""Ends of the bus bars, and where the words about a stage begin."""
MAIN, APART, ASIDE, PAST = 120.0, 90.0, 470.0, 515.0
"""Middle of the first unit of a stage, distance to the next, what hangs beside the way to the racks, what goes past."""
STEP = 146.0
"""From bus bar to bus bar."""
MOST = 4
"""Most units of a stage that are drawn; the words tell the true number."""
MOST_LINES = 3
"""The same of the lines from the utility."""
TIGHT = 0.8
"""Share of the firm capacity from which a stage has the colour of a warning."""
SOURCES = 170.0
"""Height of what feeds a site."""


@dataclass(frozen=True)
class _Source:
    """One kind of source above the site bus."""

    symbol: str
    """`utility`, `battery`, or the letters of a machine."""
    words: tuple[str, ...]
    lines: int = 1
    """Conductors to the bus."""
    told: bool = False
    """Whether the setting of its breaker is given."""


def place_one_line(place: Place, path: Path) -> str:
    """Return the one-line diagram of a place with all computers at their nameplates, for a file.

    Raises
    ------
    InputError
        If the file is not called .svg, or the place has no electrical section.
    """
    if path.suffix != ".svg":
        raise InputError(f"--one-line {path}: expected a file that ends in .svg")
    if not place.topology.electrical:
        raise InputError(f"--one-line: {place.topology.name} has no section `electrical` to draw")
    return one_line(nameplate_trees(place), place.topology.title) + "\n"


def one_line(trees: Mapping[str, ElectricalTree], title: str) -> str:
    """Return the one-line diagram of a place as SVG: one drawing per site, sites that are alike once.

    Colours tell how much of its firm capacity a stage carries under the load of the trees: green, orange from 80 %,
    red above 100 %. The same trees give the same bytes. The ground is white on every page, light or dark.
    """
    parts = [svg.text(20, 34, title, size=18, bold=True)]
    top = 44.0
    for names, tree in alike(trees):
        drawn, height = _site(names, tree, top)
        parts.append(drawn)
        top += height
    parts.append(_key(top))
    return svg.picture(parts, top + 40.0, f"One-line diagram of {title}")


def _key(y: float) -> str:
    """Return what the colours and the filled squares mean."""
    parts = [svg.text(20, y + 18, "carries of its firm capacity:", size=12, colour=svg.SOFT)]
    for at, (colour, words) in enumerate(((GREEN, "below 80 %"), (ORANGE, "80 to 100 %"), (RED, "above 100 %"))):
        parts.append(svg.bar(200 + 120 * at, y + 7, 14, 14, colour))
        parts.append(svg.text(220 + 120 * at, y + 18, words, size=12, colour=svg.SOFT))
    words = "breaker whose setting is given, and other breaker"
    parts += [symbols.breaker(582, y + 14, INK, told=True), symbols.breaker(602, y + 14, INK, told=False)]
    return "".join([*parts, svg.text(618, y + 18, words, size=12, colour=svg.SOFT)])


def colour_of(used: float) -> str:
    """Return the colour of a share of the firm capacity."""
    return GREEN if used < TIGHT else ORANGE if used <= 1.0 + 1e-9 else RED


def _site(names: str, tree: ElectricalTree, top: float) -> tuple[str, float]:
    """Return the drawing of a site below `top`, and its height."""
    load = f"{number(tree.load_w / 1e6)} MW of equipment, {number(tree.meter_w / 1e6)} MW at the meter"
    load += f" of {number(tree.supply_w / 1e6)} MW that can be supplied"
    parts = [
        svg.text(20, top + 28, names, size=16, bold=True),
        svg.text(20, top + 49, f"{load}; {limit_words(tree)}", size=13, colour=svg.SOFT),
    ]
    y = top + 60.0 + SOURCES
    parts += [_sources(tree, y), _site_bus_words(tree, y)]
    share = 1.0
    for level in tree.levels:
        if _hangs_beside(level):
            parts.append(_beside(level, y))
        else:
            parts.append(_inline(level, y, share - level.stage.spec.share))
            share = level.stage.spec.share
        parts += [symbols.bus(LEFT, RIGHT, y + STEP), _stage_words(level, y)]
        y += STEP
    parts += [symbols.wire(MAIN, y, MAIN, y + 24), symbols.load(MAIN, y + 24)]
    parts.append(svg.text(MAIN + 24, y + 36, _load_words(tree), size=13))
    return "".join(parts), y + 62.0 - top


def _load_words(tree: ElectricalTree) -> str:
    shares = [level.stage.spec.share for level in tree.levels if not _hangs_beside(level)]
    whole = f"computers, network and cooling: {number(tree.load_w / 1e6)} MW"
    if not shares or shares[-1] == 1.0:
        return whole
    return f"{number(shares[-1] * tree.load_w / 1e6)} MW; {whole} in all"


def _hangs_beside(level: Level) -> bool:
    """Whether a stage stands beside the way to the racks: less than half of the load, or a battery shelf."""
    return level.stage.spec.share < 0.5 or level.stage.kind == "shelf"


def _sources(tree: ElectricalTree, y: float) -> str:
    """Return what feeds the site bus at `y`, side by side, and that bus."""
    found = _found_sources(tree.spec)
    slot = min(290.0, (svg.WIDTH - 2 * LEFT) / max(1, len(found)))
    right = max(RIGHT, LEFT + slot * (len(found) - 1) + 130.0)
    used = tree.meter_w / tree.supply_w if tree.supply_w else float("inf")
    parts = [symbols.bus(LEFT, right, y)]
    parts += [_source(source, MAIN - 40.0 + slot * at, y, colour_of(used)) for at, source in enumerate(found)]
    return "".join(parts)


def _found_sources(spec: SitePlantSpec) -> list[_Source]:
    found = []
    feeds = feeds_of(spec)
    if feeds is not None and spec.grid is not None:
        words = (
            f"{counted(feeds.count, 'feed')} of {number(feeds.capacity / 1e6)} MW, {feeds.redundancy}",
            f"{number(firm_feeds_w(feeds) / 1e6)} MW firm",
            f"import up to {number(spec.grid.capacity / 1e6)} MW",
        )
        found.append(_Source("utility", words, min(feeds.count, MOST_LINES), feeds.breaker is not None))
    for units in spec.generators:
        each = entry("generators", units.type).si("rating")
        words = (
            f"{units.count} x {units.type}",
            f"{number(each / 1e6)} MW each",
            f"{number(generator_rating_w(units) / 1e6)} MW in all",
        )
        found.append(_Source("G", words))
    if spec.battery is not None:
        power, energy = battery_rating_w(spec.battery), battery_energy_j(spec.battery)
        words = (
            f"{spec.battery.count} x {spec.battery.type}",
            f"{number(power / 1e6)} MW in all",
            f"{number(energy / MWH_J)} MWh",
        )
        found.append(_Source("battery", words))
    if spec.synchronous_condensers is not None:
        machines = spec.synchronous_condensers
        words = (
            f"{machines.count} x {machines.type}",
            f"{number(machines.rating / 1e6)} MVA each",
            "inertia, no power",
        )
        found.append(_Source("SC", words))
    if spec.flywheels is not None:
        wheels = spec.flywheels
        words = (
            f"{wheels.count} x {wheels.type}",
            f"{number(wheels.count * wheels.power / 1e6)} MW in all",
            f"{number(wheels.count * wheels.energy / MWH_J)} MWh",
        )
        found.append(_Source("FW", words))
    return found


def _source(source: _Source, x: float, y: float, colour: str) -> str:
    """Return one kind of source with its conductors to the bus at `y`."""
    middle = y - 118.0
    parts = []
    for line in range(source.lines):
        at = x + 20.0 * (line - (source.lines - 1) / 2.0)
        parts.append(symbols.wire(at, middle + 16, at, y, colour))
        parts.append(symbols.breaker(at, y - 34, colour, told=source.told))
    if source.symbol == "utility":
        parts.append(symbols.utility(x, middle, colour))
    elif source.symbol == "battery":
        parts.append(symbols.battery(x, middle, colour))
    else:
        parts.append(symbols.machine(x, middle, source.symbol, colour))
    for at, words in enumerate(source.words):
        parts.append(svg.text(x + 30, middle - 10 + 17 * at, words, size=13, bold=at == 0))
    return "".join(parts)


def _inline(level: Level, y: float, past: float) -> str:
    """Return the first units of a stage in the way to the racks, between the bus bars at `y` and below.

    `past` is the share of the load that leaves the way before it.
    """
    stage, colour = level.stage, colour_of(level.firm_loading)
    drawn = min(stage.spec.count, MOST)
    parts = [_unit(level, MAIN + APART * at, y, colour) for at in range(drawn)]
    if stage.spec.count > drawn:
        parts.append(svg.text(MAIN + APART * (drawn - 1) + 68, y + STEP / 2 + 14, "...", size=20, bold=True))
    if past > 1e-9:
        parts += [symbols.wire(PAST, y, PAST, y + 34), symbols.load(PAST, y + 34)]
        words = f"{percent(round(past, 6))} past it"
        parts.append(svg.text(PAST, y + 66, words, size=12, anchor="middle", colour=svg.SOFT))
    return "".join(parts)


def _unit(level: Level, x: float, y: float, colour: str) -> str:
    """Return one unit with its conductors and its breaker."""
    stage, middle = level.stage, y + STEP / 2 + 8
    parts = [symbols.wire(x, y, x, middle - 24, colour), symbols.wire(x, middle + 24, x, y + STEP, colour)]
    # a transformer's stands at its outlet, where `breaker_faults` counts
    at = y + STEP - 20 if stage.kind == "transformer" else y + 24
    parts.append(symbols.breaker(x, at, colour, told=stage.spec.breaker is not None))
    if stage.kind == "transformer":
        parts.append(symbols.transformer(x, middle, colour))
    elif stage.kind == "bus":
        parts.append(symbols.busway(x, middle, colour))
    else:
        parts.append(symbols.converter(x, middle, "UPS" if stage.kind == "ups" else "PSU", colour))
    return "".join(parts)


def _beside(level: Level, y: float) -> str:
    """Return a stage that hangs beside the way to the racks, and that way."""
    stage, colour, middle = level.stage, colour_of(level.firm_loading), y + STEP / 2
    parts = [symbols.wire(MAIN, y, MAIN, y + STEP), symbols.wire(ASIDE, y, ASIDE, middle - 24, colour)]
    if stage.kind == "shelf":
        parts += [symbols.wire(ASIDE, middle - 24, ASIDE, middle - 16, colour), symbols.battery(ASIDE, middle, colour)]
        return "".join(parts)
    parts.append(symbols.breaker(ASIDE, y + 24, colour, told=stage.spec.breaker is not None))
    if stage.kind == "transformer":
        parts.append(symbols.transformer(ASIDE, middle, colour))
    elif stage.kind == "bus":
        parts.append(symbols.busway(ASIDE, middle, colour))
    else:
        parts.append(symbols.converter(ASIDE, middle, "UPS" if stage.kind == "ups" else "PSU", colour))
    parts += [symbols.wire(ASIDE, middle + 24, ASIDE, middle + 38, colour), symbols.load(ASIDE, middle + 38, colour)]
    words = f"{percent(stage.spec.share)} of the load"
    return "".join([*parts, svg.text(ASIDE - 34, middle + 4, words, size=12, anchor="end", colour=svg.SOFT)])


def _site_bus_words(tree: ElectricalTree, y: float) -> str:
    grid = tree.spec.grid
    volts = volts_text(grid.voltage if grid else entry("facility", "synchronous_generator").si("voltage"))
    fault = f"short circuit {number(tree.fault.power_va / 1e6)} MVA, {number(tree.fault.current_a / 1e3)} kA"
    return _bus_words(f"{volts}, {pu_text(tree.voltage_pu)}; {fault}", y)


def _bus_words(words: str, y: float) -> str:
    return svg.text(WORDS, y + 19, words, size=12, colour=svg.SOFT)


def _stage_words(level: Level, y: float) -> str:
    """Return what is told about a stage between the bus bars at `y` and below, and about its outlet."""
    stage, spec = level.stage, level.stage.spec
    block = "" if spec.block is None else f" in blocks of {spec.block}"
    title = f"{stage.name}: {number(spec.count)} x {rating_text(stage.unit, stage)}, {spec.redundancy}{block}"
    firm = rating_text(stage.firm, stage)
    lines = [f"carries {rating_text(level.through, stage)}, {percent(level.firm_loading)} of {firm} firm"]
    lines[0] += f"; loses {number(level.loss_w / 1e6)} MW"
    if level.hot_spot_c is not None and level.hot_spot_firm_c is not None:
        spare = "" if stage.firm == stage.rating else f", {level.hot_spot_firm_c:.0f} degC without the spare units"
        lines.append(f"reactance {percent(stage.reactance)}; hot spot {level.hot_spot_c:.0f} degC{spare}")
    if spec.breaker is not None:
        lines.append(breaker_words(spec.breaker))
    parts = [svg.text(WORDS, y + 52, title, size=14, bold=True, colour=INK)]
    parts += [svg.text(WORDS, y + 71 + 18 * at, words, size=13) for at, words in enumerate(lines)]
    if stage.kind not in ("shelf", "psu") and not _hangs_beside(level):
        fault = f"short circuit {number(level.fault.power_va / 1e6)} MVA, {number(level.fault.current_a / 1e3)} kA"
        parts.append(_bus_words(f"{volts_text(stage.outlet_v)}, {pu_text(level.voltage_pu)}; {fault}", y + STEP))
    return "".join(parts)


def breaker_words(setting: BreakerSpec) -> str:
    """Return the setting of a breaker in a few words."""
    most = "" if setting.interrupting is None else f"; breaks {number(setting.interrupting / 1e3)} kA"
    return f"breaker: {setting.curve} from {percent(setting.pickup)}, multiplier {setting.time_multiplier:g}{most}"
