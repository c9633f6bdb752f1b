"""Exercise the accelerator at hand while its power is recorded."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.instrument.duty import DUTY, sensor_of_sweep
from clustersim.instrument.exercise import Marking, Performed, Settings, check, perform
from clustersim.instrument.machine import Machine
from clustersim.instrument.meter import Field, NvmlMeter
from clustersim.instrument.nvml_place import place_of_device, place_of_uuid
from clustersim.instrument.nvml_settings import NotSetBackError, NvmlSettings
from clustersim.instrument.patterns import AROUND, PATTERNS, PERMITS, Asked, Permitted, known_precisions, script
from clustersim.instrument.recording import Marker, Recording, write_recording
from clustersim.instrument.torch_device import check_device
from clustersim.instrument.works import Round, Script

__all__ = ["PATTERNS", "Exercised", "Performed", "Permitted", "Recording", "Round", "Script", "exercise", "scripts"]


class Sampler(Protocol):
    """Records the power of all accelerators of this machine, in the background."""

    def marked(
        self,
        activity: str,
        *,
        device: int = 0,
        words: Mapping[str, str] | None = None,
        figures: Mapping[str, float] | None = None,
    ) -> AbstractContextManager[Marking]:
        """Mark what a device does inside the block."""
        ...

    def stop(self) -> Recording:
        """End, and return what was recorded."""
        ...


class Opened(Machine, Protocol):
    """A machine that holds memory."""

    def close(self) -> None:
        """Give it back."""
        ...


@dataclass(frozen=True)
class Kit:
    """What an exercise needs of the computer that it runs on."""

    place: Callable[[str], int]
    """Of a device among the recorded ones; raises where it is missing, and makes no context on it."""
    sampler: Callable[[], AbstractContextManager[Sampler]]
    machine: Callable[[str, int], Opened]
    """Of a device and a seed."""
    same: Callable[[int, Machine], bool]
    """Whether the machine is the one that is recorded at a place."""
    sleep: Callable[[float], None] = time.sleep
    settings: Callable[[int, Permitted], AbstractContextManager[Settings]] = NvmlSettings
    """Of the device at a place; set back when the block ends."""


@dataclass(frozen=True)
class Exercised:
    """What was recorded, and how far each pattern came."""

    recording: Recording
    place: int
    """Of the device among those of the recording."""
    performed: tuple[Performed, ...]
    left_out: tuple[str, ...]
    """Precisions that the device does not have."""
    stopped: bool
    not_set_back: str = ""
    """What to do about settings that could not be set back; empty where all were."""

    @property
    def markers(self) -> tuple[Marker, ...]:
        """Of the device, those around others left out."""
        return tuple(one for one in self.recording.markers if one.device == self.place and one.activity not in AROUND)


NOTHING = Permitted()
"""The device stays as it is."""


def scripts(
    patterns: Sequence[str],
    scale: float = 1.0,
    seed: int = 0,
    precisions: tuple[str, ...] | None = None,
    permitted: Permitted = NOTHING,
) -> tuple[Script, ...]:
    """Return the scripts of patterns, of all of them where none is named; with all precisions unless told.

    Raises
    ------
    InputError
        If there is no such pattern, or scale or seed are out of their ranges.
    """
    asked = Asked(known_precisions() if precisions is None else precisions, scale, seed, permitted)
    return tuple(script(one, asked) for one in patterns or PATTERNS)


def lead_s(scale: float) -> float:
    """Return how long power is recorded before this process has a context on the device. [s]"""
    common = catalog.entry("exercises", "common")
    return max(scale * common.si("lead"), common.si("shortest"))


def exercise(
    patterns: Sequence[str],
    out: Path,
    device: str = "cuda:0",
    scale: float = 1.0,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    kit: Kit | None = None,
    permitted: Permitted = NOTHING,
) -> Exercised:
    """Perform patterns as :func:`performed` does, and write the recording.

    Parameters
    ----------
    patterns, device, scale, seed, tell, stop, kit, permitted
        See there.
    out : Path
        File to write; ends in ``.parquet``.

    Raises
    ------
    InputError
        If an argument is wrong, PyTorch, a GPU or its driver is missing, or it cannot do a pattern; nothing is written.
        If settings could not be set back; the recording is written before.
    """
    if out.suffix != ".parquet":
        raise InputError(f"--out: expected a name that ends in .parquet, found {out}")
    if not os.access(next(one for one in (out.absolute().parent, *out.absolute().parents) if one.exists()), os.W_OK):
        raise InputError(f"--out: {out} cannot be written")
    found = performed(patterns, device, scale, seed, tell, stop, kit, permitted)
    recording = replace(found.recording, name=out.stem)
    write_recording(out, recording)
    if found.not_set_back:
        raise InputError(f"{found.not_set_back}; the recording is in {out}")
    return replace(found, recording=recording)


def performed(
    patterns: Sequence[str],
    device: str = "cuda:0",
    scale: float = 1.0,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
    stop: Callable[[], bool] = lambda: False,
    kit: Kit | None = None,
    permitted: Permitted = NOTHING,
) -> Exercised:
    """Perform patterns one after another on a device, and record the power meanwhile.

    The recording begins with the level `idle`, before this process has a context on the device.

    Parameters
    ----------
    patterns : sequence of str
        Some of :data:`PATTERNS`.
    device : str
        As PyTorch calls it.
    scale : float
        On lengths.
    seed : int
        Of orders and operands.
    tell : callable
        Is told each round.
    stop : callable
        Asked after every part; when it says so, what was recorded so far is returned.
    kit : Kit, optional
        What drives and reads the device; PyTorch and NVML.
    permitted : Permitted
        Which settings of the device may be changed, to which values; all are set back.

    Raises
    ------
    InputError
        If an argument is wrong, PyTorch, a GPU or its driver is missing, it cannot do a pattern, or its settings are
        not this user's to change.
    """
    check_permitted(patterns, permitted)
    scripts(patterns, scale, seed, permitted=permitted)
    kit = kit or real_kit()
    place = kit.place(device)
    done: list[Performed] = []
    not_set_back = ""
    with kit.sampler() as sampler:
        tell("idle, before anything runs")
        with sampler.marked("idle", device=place, words={"pattern": "lead"}):
            kit.sleep(lead_s(scale))
        tell("accelerator")
        machine = kit.machine(device, seed)
        try:
            if not kit.same(place, machine):
                order = "expected CUDA_DEVICE_ORDER=PCI_BUS_ID where GPUs differ"
                raise InputError(f"--device: {device} is not GPU {place} of NVML: {order}")
            precisions = tuple(one for one in known_precisions() if one in machine.precisions)
            made = scripts(patterns, scale, seed, precisions, permitted)
            tell("checking that it can do all patterns")
            for one in made:
                check(one, machine)
            marks = _OnDevice(sampler, place)
            try:
                with _settings(kit, place, permitted, tell) as settings:
                    # asked anew before each; those before an error stay done
                    done.extend(perform(one, machine, marks, tell, stop, settings) for one in made if not stop())
            except NotSetBackError as error:
                # what was recorded is worth keeping
                not_set_back = str(error)
            about = dict(machine.conditions)
        finally:
            machine.close()
        recording = sampler.stop()
    about |= {"patterns": " ".join(patterns), "scale": f"{scale:g}", "seed": str(seed)}
    recording = _with_sensor(replace(recording, conditions={**recording.conditions, **about}), place, done)
    left_out = tuple(one for one in known_precisions() if one not in precisions)
    return Exercised(recording, place, tuple(done), left_out, stop(), not_set_back)


@contextmanager
def _settings(kit: Kit, place: int, permitted: Permitted, tell: Callable[[str], None]) -> Iterator[Settings | None]:
    """Give what sets the device, where something is permitted, and tell how to set it back by hand."""
    if permitted == NOTHING:
        yield None
        return
    with kit.settings(place, permitted) as settings:
        tell(f"settings are changed; were this killed, they would be set back by: {settings.by_hand}")
        yield settings


def check_permitted(patterns: Sequence[str], permitted: Permitted) -> None:
    """Check that each permission has its pattern, and each pattern that sets something its permission.

    Raises
    ------
    InputError
        If one is there without the other.
    """
    for pattern, field in PERMITS.items():
        option, example = f"--permit-{pattern}", {"limits": "'450 W, 550 W'", "clocks": "'1000, 1400'"}[pattern]
        if pattern in patterns and not getattr(permitted, field):
            raise InputError(
                f"exercise {pattern}: expected {option} {example}, since it sets the device's {pattern} (and sets them "
                "back at the end)"
            )
        if pattern not in patterns and getattr(permitted, field):
            raise InputError(f"{option}: expected with the pattern {pattern}")


def _with_sensor(recording: Recording, place: int, done: Sequence[Performed]) -> Recording:
    """Return a recording with what its duty-cycle sweep tells of the sensor, or why it tells nothing."""
    if DUTY not in {one.pattern for one in done}:
        return recording
    try:
        return replace(recording, sensor=sensor_of_sweep(recording, place))
    except InputError as error:
        return replace(recording, conditions={**recording.conditions, "sensor": str(error)})


@dataclass(frozen=True)
class _OnDevice:
    """Markers of one device."""

    sampler: Sampler
    place: int

    def marked(
        self, activity: str, *, words: Mapping[str, str], figures: Mapping[str, float]
    ) -> AbstractContextManager[Marking]:
        """Mark what the device does inside the block."""
        return self.sampler.marked(activity, device=self.place, words=words, figures=figures)


def real_kit(field: Field = "instant") -> Kit:
    """Return PyTorch and NVML, which reads the power of the moment or its average."""
    return Kit(_place, lambda: _sampler(field), _machine, _same)


def _place(device: str) -> int:
    check_device(device)
    if device.partition(":")[0] != "cuda":
        raise InputError(f"--device: expected a GPU whose power can be read, found {device}")
    return place_of_device(device, os.environ.get("CUDA_VISIBLE_DEVICES"))


def _machine(device: str, seed: int) -> Opened:
    from clustersim.instrument.torch_machine import TorchMachine

    return TorchMachine(device, seed)


def _same(place: int, machine: Machine) -> bool:
    uuid = machine.conditions.get("uuid")
    return uuid is None or place_of_uuid(f"GPU-{uuid.removeprefix('GPU-')}") == place


@contextmanager
def _sampler(field: Field) -> Iterator[Sampler]:
    from clustersim.instrument.sampler import Sampler as NvmlSampler

    meter = NvmlMeter(field)
    try:
        sampler = NvmlSampler(meter, interval_s=catalog.entry("exercises", "common").si("interval"))
        try:
            yield sampler
        finally:
            # the meter is asked until then
            sampler.stop()
    finally:
        meter.close()
