"""Scripts of the patterns that an accelerator is exercised with; each a pure function of its arguments.

What repeats comes in another order each time, drawn from the seed, so that a drift of temperature or clocks does not
hide in the order. Lengths and sizes are in the catalog, kind ``exercises``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from clustersim import catalog
from clustersim.catalog.records import Entry
from clustersim.errors import InputError, nearest
from clustersim.instrument.works import Dummy, Idle, Part, Product, Round, Script, Setting, Spin, Stream, Work

AROUND = ("duty", "step")
"""Activities of markers that lie around those of other activities."""


@dataclass(frozen=True)
class Permitted:
    """Settings of the device that the user lets an exercise change."""

    limits_w: tuple[float, ...] = ()
    """Power limits. [W]"""
    clocks_mhz: tuple[float, ...] = ()
    """Clocks of the multiprocessors. [MHz]"""

    def __post_init__(self) -> None:
        """Check ranges.

        Raises
        ------
        InputError
            If a value is not above 0, or stands there twice.
        """
        for option, values, unit in (("limits", self.limits_w, "W"), ("clocks", self.clocks_mhz, "MHz")):
            for value in values:
                if not 0.0 < value < math.inf or values.count(value) > 1:
                    twice = "twice" if values.count(value) > 1 else "found"
                    raise InputError(f"--permit-{option}: expected different ones above 0, {twice} {value:g} {unit}")


@dataclass(frozen=True)
class Asked:
    """What a script depends on."""

    precisions: tuple[str, ...]
    """Of the products; the first is that of whatever needs only one."""
    scale: float = 1.0
    """On lengths, or on how often where the length is the point. [-]"""
    seed: int = 0
    permitted: Permitted = Permitted()

    def __post_init__(self) -> None:
        """Check ranges.

        Raises
        ------
        InputError
            If there is no precision, the scale is not above 0 and at most 1000, or the seed is negative.
        """
        if not self.precisions:
            raise InputError("exercise: expected an accelerator that can do products in one of the known precisions")
        if not 0.0 < self.scale <= 1000.0:
            raise InputError(f"--scale: expected more than 0 and at most 1000, found {self.scale:g}")
        if self.seed < 0:
            raise InputError(f"--seed: expected 0 or more, found {self.seed}")

    def length(self, seconds: float) -> float:
        """Return a length on the scale, no shorter than the least one. [s]"""
        return max(seconds * self.scale, _common().si("shortest"))

    def often(self, times: float, least: int) -> int:
        """Return how often, on the scale."""
        return max(least, round(times * self.scale))

    @property
    def load(self) -> Product:
        """The product where power, not the product, is in question."""
        size = int(_common().si("load"))
        return Product(size, size, size, self.precisions[0])


def _common() -> Entry:
    return catalog.entry("exercises", "common")


def known_precisions() -> tuple[str, ...]:
    """Return the precisions that scripts can have, the preferred first."""
    return tuple(_common().properties["precisions"])


def _single(activity: str, name: str, work: Work, seconds: float, **words: str) -> Round:
    return Round(name, (Part(activity, work, seconds, tuple(words.items())),))


def _matrix(product: Product, seconds: float) -> Round:
    return _single("matrix", f"matrix {product}", product, seconds, precision=product.precision)


def _shuffled(rounds: Sequence[Round], repeats: int, asked: Asked, stream: int) -> tuple[Round, ...]:
    """Return the rounds so many times, each time in another order."""
    draws = np.random.default_rng([asked.seed, stream])
    return tuple(rounds[at] for _ in range(repeats) for at in draws.permutation(len(rounds)))


def levels(asked: Asked) -> Script:
    """Every level by itself: idle with a context, products, streams, kernels that wait."""
    entry, common = catalog.entry("exercises", "levels"), _common()
    seconds = asked.length(entry.si("part"))
    sizes = entry.properties["matrices"]
    rounds = [_single("context", "idle with a context", Idle(), seconds)]
    rounds += [_matrix(Product(size, size, size, one), seconds) for one in asked.precisions for size in sizes]
    arrays = (int(entry.si("stream_small")), int(common.si("stream")))
    rounds += [_single("memory", f"stream, {Stream(one)}", Stream(one), seconds) for one in arrays]
    rounds += [_single("wait", f"spin, {Spin(one)}", Spin(one), seconds) for one in entry.properties["spins"]]
    return Script("levels", _shuffled(rounds, entry.properties["repeats"], asked, 0))


def products(asked: Asked) -> Script:
    """Products by size, shape and precision, for the curve of matrix efficiency."""
    entry = catalog.entry("exercises", "products")
    seconds = asked.length(entry.si("part"))
    shapes = [(size, size, size) for size in entry.properties["matrices"]]
    shapes += [(m, n, k) for m, n, k in entry.properties["shapes"]]
    rounds = [_matrix(Product(*shape, one), seconds) for one in asked.precisions for shape in shapes]
    return Script("products", _shuffled(rounds, entry.properties["repeats"], asked, 1))


def duty(asked: Asked) -> Script:
    """Square waves of products and nothing, of many periods and of irregular ones, for the sensor's window.

    The scale is on how long a wave lasts, not on its period.
    """
    entry = catalog.entry("exercises", "duty")
    share, length = entry.si("share"), entry.si("length")
    ends = entry.si("shortest"), entry.si("longest")
    waves = [
        _wave((float(period),), share, asked, asked.often(length / period, 3))
        for period in np.geomspace(*ends, entry.properties["periods"])
    ]
    draws = np.random.default_rng([asked.seed, 2])
    drawn = np.exp(draws.uniform(math.log(ends[0]), math.log(ends[1]), asked.often(entry.properties["irregular"], 5)))
    waves.append(_wave(tuple(float(period) for period in drawn), share, asked, 1))
    return Script("duty", _shuffled(waves, 1, asked, 3))


def _wave(periods_s: tuple[float, ...], share: float, asked: Asked, times: int) -> Round:
    """Return a wave of products and nothing, of one period many times or of several once."""
    load = asked.load
    parts = tuple(
        part
        for period in periods_s
        for part in (
            Part("matrix", load, share * period, (("precision", load.precision),)),
            Part("context", Idle(), (1.0 - share) * period),
        )
    )
    regular = len(periods_s) == 1
    name = f"period {periods_s[0] * 1e3:.4g} ms" if regular else f"{len(periods_s)} irregular periods"
    figures = (("share", share), ("times", float(times)), *((("period_s", periods_s[0]),) if regular else ()))
    return Round(name, parts, times, "duty", figures)


def _step(asked: Asked, gap: Part) -> tuple[Part, ...]:
    """Return the parts of a training step with what fills its gap."""
    entry, load = catalog.entry("exercises", "step"), asked.load
    stream, beside = Stream(int(_common().si("stream"))), entry.si("memory_share")
    parts = []
    for phase in ("forward", "backward"):
        whole = entry.si(phase)
        words = (("precision", load.precision), ("phase", phase))
        parts.append(Part("matrix", load, (1.0 - beside) * whole, words))
        parts.append(Part("memory", stream, beside * whole, (("phase", phase),)))
    parts.append(replace(gap, seconds=entry.si("exchange"), words=(*gap.words, ("phase", "exchange"))))
    parts.append(Part("memory", stream, entry.si("optimizer"), (("phase", "optimizer"),)))
    return tuple(parts)


def step(asked: Asked) -> Script:
    """Synthetic training steps: forward, backward, exchange, optimizer; a checkpoint stall now and then.

    The scale is on how many steps there are.
    """
    entry = catalog.entry("exercises", "step")
    every = entry.properties["stall_every"]
    parts = _step(asked, _spinning())
    stall = Part("stall", Idle(), entry.si("stall"), (("phase", "checkpoint"),))
    rounds: list[Round] = []
    left = asked.often(entry.properties["steps"], 1)
    while left:
        now = min(left, every)
        rounds.append(Round(f"{now} steps", parts, now, "step", (("times", float(now)),)))
        rounds.append(Round("checkpoint", (stall,)))
        left -= now
    return Script("step", tuple(rounds))


def _spinning() -> Part:
    """Return the gap of a step in which kernels wait for data; its length is the step's."""
    return Part("exchange", Spin(max(catalog.entry("exercises", "levels").properties["spins"])), 0.0)


def dummy(asked: Asked) -> Script:
    """Training steps whose gaps are filled with dummy compute, by its share of the time; alone, and beside a copy.

    Without any, and the copy alone, are there too: what power and copies are held against.
    """
    entry, load = catalog.entry("exercises", "dummy"), asked.load
    turn, copied, lowest = entry.si("turn"), int(entry.si("copy")), entry.si("lowest")
    targets = [float(one) for one in np.linspace(lowest, 1.0, round(1.0 / lowest))]
    kinds = [(0.0, 0), *((target, 0) for target in targets), *((target, copied) for target in (0.0, *targets))]
    rounds = []
    times = asked.often(entry.properties["steps"], 1)
    for target, copy in kinds:
        gap = replace(_spinning(), words=(("beside", "nothing"),), figures=(("target_share", 0.0),))
        if target or copy:
            words = (("precision", load.precision), ("beside", "copy" if copy else "nothing"))
            figures = (("target_share", target), ("turn_s", turn))
            gap = Part("dummy" if target else "exchange", Dummy(load, target, turn, copy), 0.0, words, figures)
        name = f"{times} steps, gaps with {gap.work}"
        around = (("target_share", target), ("times", float(times)))
        rounds.append(Round(name, _step(asked, gap), times, "step", around))
    return Script("dummy", _shuffled(rounds, entry.properties["repeats"], asked, 4))


def limits(asked: Asked) -> Script:
    """Products under power limits: for long, and in bursts after which the device rests.

    The device as it was found is one of them. Pauses are drawn, so that bursts do not keep step with a sensor. The
    scale is on what goes on for long, and on how many bursts there are.
    """
    entry = catalog.entry("exercises", "limits")
    product, words = _under(entry, asked, "limit")
    seconds, times = asked.length(entry.si("part")), asked.often(entry.properties["bursts"], 1)
    draws = np.random.default_rng([asked.seed, 5])

    def pause() -> Part:
        drawn = draws.uniform(entry.si("pause"), entry.si("pause_longest"))
        return Part("context", Idle(), float(drawn), (*words, ("phase", "pause")))

    def under(value: float | None) -> Round:
        parts = [
            Part("matrix", product, entry.si("settle"), (*words, ("phase", "settling"))),
            Part("matrix", product, seconds, (*words, ("phase", "steady"))),
            pause(),
        ]
        for name in ("burst_short", "burst_long"):
            length = entry.si(name)
            burst = Part("matrix", product, length, (*words, ("phase", "burst")), (("burst_s", length),))
            for _ in range(times):
                parts += [burst, pause()]
        setting = Setting("limit", value)
        return Round(f"{product}, {setting}", tuple(parts), setting=setting)

    values = (None, *asked.permitted.limits_w)
    orders = [draws.permutation(len(values)) for _ in range(entry.properties["repeats"])]
    return Script("limits", tuple(under(values[at]) for order in orders for at in order))


def clocks(asked: Asked) -> Script:
    """Products and streams with the clock locked; with the device as it was found too."""
    entry = catalog.entry("exercises", "clocks")
    product, words = _under(entry, asked, "clock")
    seconds, stream = asked.length(entry.si("part")), Stream(int(_common().si("stream")))
    rounds = []
    for value in (None, *asked.permitted.clocks_mhz):
        parts = (
            Part("matrix", product, entry.si("settle"), (*words, ("phase", "settling"))),
            Part("matrix", product, seconds, (*words, ("phase", "steady"))),
            Part("memory", stream, seconds, (("setting", "clock"), ("phase", "steady"))),
        )
        setting = Setting("clock", value)
        rounds.append(Round(f"{product}, {stream}, {setting}", parts, setting=setting))
    return Script("clocks", _shuffled(rounds, entry.properties["repeats"], asked, 6))


def _under(entry: Entry, asked: Asked, quantity: str) -> tuple[Product, tuple[tuple[str, str], ...]]:
    """Return the product that is done under settings, and the words of its markers."""
    size = int(entry.si("product"))
    precision = asked.precisions[0]
    return Product(size, size, size, precision), (("precision", precision), ("setting", quantity))


PATTERNS: Mapping[str, Callable[[Asked], Script]] = {
    "levels": levels,
    "products": products,
    "duty": duty,
    "step": step,
    "dummy": dummy,
    "limits": limits,
    "clocks": clocks,
}
"""By name."""


PERMITS: Mapping[str, str] = {"limits": "limits_w", "clocks": "clocks_mhz"}
"""Of the patterns that set something: which permission they need."""


def script(pattern: str, asked: Asked) -> Script:
    """Return the script of a pattern.

    Raises
    ------
    InputError
        If there is no such pattern.
    """
    if pattern not in PATTERNS:
        raise InputError(
            f"exercise: expected some of {', '.join(PATTERNS)}, found {pattern!r}{nearest(pattern, PATTERNS)}"
        )
    return PATTERNS[pattern](asked)
