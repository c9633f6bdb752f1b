"""Perform a script on an accelerator while its power is recorded; every part becomes a marker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from clustersim.errors import InputError
from clustersim.instrument.machine import Done, Machine
from clustersim.instrument.turns import keep_share
from clustersim.instrument.works import Dummy, Idle, Part, Product, Round, Script, Setting, Spin, Stream, Work


class Marking(Protocol):
    """A marker whose activity goes on."""

    @property
    def figures(self) -> dict[str, float]:
        """May be added to until it ends."""
        ...


class Marks(Protocol):
    """What records power and keeps the markers, by its own clock."""

    def marked(
        self, activity: str, *, words: Mapping[str, str], figures: Mapping[str, float]
    ) -> AbstractContextManager[Marking]:
        """Mark what is done inside the block."""
        ...


class Settings(Protocol):
    """Sets what the user permits, and knows how the device was found."""

    @property
    def by_hand(self) -> str:
        """Commands that set everything back."""
        ...

    def apply(self, setting: Setting) -> Mapping[str, float]:
        """Set it, and return what is then in force: ``limit_w`` [W], or ``locked_mhz`` [MHz] where a clock is locked.

        Raises
        ------
        InputError
            If the driver refuses.
        """
        ...

    def restore(self) -> None:
        """Set everything as it was found."""
        ...


@dataclass(frozen=True)
class Performed:
    """How far a script came."""

    pattern: str
    parts: int
    of: int

    @property
    def whole(self) -> bool:
        """Whether all parts were done."""
        return self.parts == self.of


def prepare(machine: Machine, work: Work) -> float:
    """Make a machine ready for a work, and return how long the shortest piece of it takes. [s]

    Raises
    ------
    InputError
        If the machine cannot do it.
    """
    match work:
        case Product(m, n, k, precision):
            return machine.prepare_product(m, n, k, precision)
        case Stream(array_bytes):
            return machine.prepare_stream(array_bytes)
        case Spin(blocks):
            return machine.prepare_spin(blocks)
        case Dummy():
            if work.copy_bytes:
                machine.prepare_copy(work.copy_bytes)
            return prepare(machine, work.product)
        case Idle():
            return 0.0


def check(script: Script, machine: Machine) -> None:
    """Check that a machine can do all works of a script.

    Raises
    ------
    InputError
        If it cannot; says each reason once.
    """
    refused: dict[str, None] = {}
    for work in script.works():
        try:
            prepare(machine, work)
        except InputError as error:
            refused[str(error)] = None
    if refused:
        raise InputError(f"exercise {script.pattern}: {'; '.join(refused)}")


def perform(
    script: Script,
    machine: Machine,
    marks: Marks,
    tell: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    settings: Settings | None = None,
) -> Performed:
    """Perform a script; each part begins when the device has done all before it, and ends when its own is done.

    Parameters
    ----------
    script : Script
        What is done.
    machine : Machine
        On which.
    marks : Marks
        What keeps the markers.
    tell : callable
        Is told each round.
    stop : callable
        Asked after every part; when it says so, the rest is left.
    settings : Settings, optional
        Needed where the script sets something; all is set back at its end.

    Raises
    ------
    InputError
        Before anything is marked, if the machine cannot do one of the works, or nothing may be set and the script does.
    """
    if script.settings and settings is None:
        raise InputError(f"exercise {script.pattern}: expected permission to change settings of the device")
    tell(f"{script.pattern}: preparing")
    check(script, machine)
    parts, begun = 0, 0.0
    try:
        for at, one in enumerate(script.rounds, 1):
            if stop():
                break
            left = script.seconds - begun
            tell(f"{script.pattern} {at}/{len(script.rounds)}: {one.name} ({left:.3g} s left)")
            in_force = settings.apply(one.setting) if settings and one.setting else {}
            parts += _perform_round(one, script.pattern, machine, marks, stop, in_force)
            begun += one.seconds
    finally:
        if settings and script.settings:
            settings.restore()
    return Performed(script.pattern, parts, script.count)


def _perform_round(
    one: Round, pattern: str, machine: Machine, marks: Marks, stop: Callable[[], bool], in_force: Mapping[str, float]
) -> int:
    """Perform a round, and return how many parts were done."""
    around: AbstractContextManager[object] = nullcontext()
    prepare(machine, one.parts[0].work)
    if one.activity:
        around = marks.marked(one.activity, words={"pattern": pattern}, figures=dict(one.figures))
    done = 0
    with around:
        for turn in range(one.times):
            for part in one.parts:
                if stop():
                    return done
                told = dict(in_force) if one.times == 1 else {**in_force, "turn": float(turn)}
                _perform_part(part, pattern, told, machine, marks)
                done += 1
    return done


def _perform_part(part: Part, pattern: str, told: Mapping[str, float], machine: Machine, marks: Marks) -> None:
    each_s = prepare(machine, part.work)
    machine.synchronise()
    figures = {**dict(part.figures), **told}
    with marks.marked(part.activity, words={"pattern": pattern, **dict(part.words)}, figures=figures) as marking:
        marking.figures.update(do(machine, part.work, part.seconds, each_s))
        machine.synchronise()


def do(machine: Machine, work: Work, seconds: float, each_s: float) -> dict[str, float]:
    """Do a work for about some seconds, and return its figures; `each_s` is the time of one product of dummy compute.

    Returns
    -------
    dict of str to float
        Sizes, ``repetitions``, ``seconds_each`` [s], and by work ``flop_per_second``, ``bytes_per_second``, ``share``.
    """
    match work:
        case Product(m, n, k, precision):
            return _product_figures(work, machine.product(m, n, k, precision, seconds))
        case Stream(array_bytes):
            done = machine.stream(array_bytes, seconds)
            return {"array_bytes": float(array_bytes), **_figures(done), **_bytes(done)}
        case Spin(blocks):
            return {"blocks": float(blocks), **_figures(machine.spin(blocks, seconds))}
        case Idle():
            machine.idle(seconds)
            return {}
        case Dummy():
            return _dummy(machine, work, seconds, each_s)


def _dummy(machine: Machine, work: Dummy, seconds: float, each_s: float) -> dict[str, float]:
    shape = work.product.m, work.product.n, work.product.k, work.product.precision
    begin = machine.now()
    copies: dict[str, float] = {}
    if work.copy_bytes:
        both = machine.copy_beside(work.copy_bytes, *shape, work.share, work.turn_s, seconds)
        done = both.products
        copies = {"copy_bytes": float(work.copy_bytes), "copies": float(both.copies.repetitions), **_bytes(both.copies)}
    else:
        done = keep_share(
            lambda time_s: machine.product(*shape, time_s), machine.idle, machine.now,
            share=work.share, each_s=each_s, turn_s=work.turn_s, seconds=seconds,
        )  # fmt: skip
    reached = done.seconds / (machine.now() - begin)
    return {**_product_figures(work.product, done), "share": reached, **copies}


def _product_figures(product: Product, done: Done) -> dict[str, float]:
    sizes = {"m": float(product.m), "n": float(product.n), "k": float(product.k)}
    if not done.repetitions:
        return {**sizes, "repetitions": 0.0}
    return {**sizes, **_figures(done), "flop_per_second": product.flop / done.seconds_each}


def _figures(done: Done) -> dict[str, float]:
    return {"repetitions": float(done.repetitions), "seconds_each": done.seconds_each}


def _bytes(done: Done) -> dict[str, float]:
    return {"bytes_per_second": done.moved_bytes / done.seconds if done.seconds else 0.0}
