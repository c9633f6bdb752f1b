"""Load bank, staggering by a phase, and gradual start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.errors import InputError
from clustersim.power import store_kernels
from clustersim.power.damped import Damped, Floats, Level, Report, shape
from clustersim.power.spec import GradualStart, LoadBank, PhaseStagger


@dataclass(frozen=True)
class LoadBankElement:
    """Resistors that hold a site at a floor and let it fall no faster than a rate."""

    power_w: float
    floor_w: float = 0.0
    ramp_down_w_per_s: float = np.inf
    name: str = "load_bank"
    level: Level = "site"

    def apply(self, power_w: Floats, dt_s: float) -> Damped:
        """Return the waveform with the bank.

        Notes
        -----
        With x the load and the envelope f, which jumps up with x and falls at the rate R,
        ``P = x + min(max(x, floor, f) - x, power of the bank)``, exact for x constant over each bin.
        """
        out, totals = np.empty(power_w.size), np.zeros(3)
        ramp = min(self.ramp_down_w_per_s, 1e30)
        first = float(power_w[0])
        store_kernels.bank(
            np.ascontiguousarray(power_w, dtype=np.float64), dt_s, self.power_w, self.floor_w, ramp, first, out, totals
        )
        burned, missed, active = totals.tolist()
        return _damped(self.name, self.level, power_w, out, dt_s, burned, 0.0, missed, active)


@dataclass(frozen=True)
class StaggerElement:
    """Groups of independent replicas, or sites, each shifted in time; the waveform is taken as periodic."""

    shifts_s: tuple[float, ...]
    """Delay of each group. [s]"""
    name: str = "phase_stagger"
    level: Level = "site"

    def apply(self, power_w: Floats, dt_s: float) -> Damped:
        """Return the mean of the shifted waveforms, the record closed into a circle.

        Exact for a load constant over each bin, whatever the shifts: a shift of ``(m + a) dt`` gives
        ``(1 - a) x[k - m] + a x[k - m - 1]``. Energy is kept. Only work that does not wait for the other groups can be
        shifted at no cost in time; the ranks of one synchronous job cannot.
        """
        out = np.zeros(power_w.size)
        for shift in self.shifts_s:
            whole = int(np.floor(shift / dt_s))
            part = shift / dt_s - whole
            out += (1.0 - part) * np.roll(power_w, whole)
            if part > 0.0:
                out += part * np.roll(power_w, whole + 1)
        out /= len(self.shifts_s)
        return _damped(self.name, self.level, power_w, out, dt_s, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class GradualStartElement:
    """A ceiling that rises from a level at a rate from the start of a job; what is above it is not served."""

    start_s: float
    initial_w: float
    rate_w_per_s: float
    limit_w: float = np.inf
    """Where the rise ends. [W]"""
    name: str = "gradual_start"
    level: Level = "rank"

    def apply(self, power_w: Floats, dt_s: float) -> Damped:
        """Return ``min(x, initial + rate (t - start), limit)`` from the start on, as exact bin means.

        Notes
        -----
        The initial height holds from the start, the limit once the rise has come to it; nothing is cut before.
        """
        edges = dt_s * np.arange(power_w.size + 1)
        begin = np.maximum(edges[:-1], self.start_s)
        span = np.maximum(edges[1:] - begin, 0.0)
        # the rise ends at `top`; after that the ceiling is flat
        top = self.start_s + (self.limit_w - self.initial_w) / self.rate_w_per_s
        rising = np.clip(top - begin, 0.0, span)
        above = power_w - self.initial_w - self.rate_w_per_s * (begin - self.start_s)
        # the ceiling rises: the excess falls in a straight line from `above` and ends where it is 0
        wait = np.clip(above / self.rate_w_per_s, 0.0, rising)
        cut = np.where(rising > 0.0, wait * (above - 0.5 * self.rate_w_per_s * wait), 0.0)
        flat = np.maximum(power_w - self.limit_w, 0.0)
        cut = cut + flat * (span - rising)
        out = power_w - cut / dt_s
        active = float(wait.sum() + ((span - rising)[flat > 0.0]).sum())
        return _damped(self.name, self.level, power_w, out, dt_s, 0.0, float(cut.sum()), 0.0, active)


def delayed(power_w: Floats, dt_s: float, delay_s: float, before_w: Floats) -> Floats:
    """Return a waveform that comes later, as exact bin means.

    Parameters
    ----------
    power_w : ndarray, shape (n,)
        Constant over each bin. [W]
    dt_s : float
        Width of a bin. [s]
    delay_s : float
        Not negative. [s]
    before_w : ndarray, shape (m,)
        What came before the first bin, m bins of it; its first value holds before that. [W]
    """
    whole = int(np.floor(delay_s / dt_s))
    part = delay_s / dt_s - whole
    missing = max(whole + 1 - before_w.size, 0)
    line = np.concatenate((np.full(missing, before_w[0]), before_w, power_w))
    first = missing + before_w.size - whole
    late = line[first : first + power_w.size]
    return (1.0 - part) * late + part * line[first - 1 : first - 1 + power_w.size]


def load_bank(spec: LoadBank, before_w: float | None = None) -> LoadBankElement:  # noqa: ARG001 (it has no memory)
    """Return the load bank of a specification."""
    return LoadBankElement(spec.power, spec.floor, np.inf if spec.ramp_down is None else spec.ramp_down)


def stagger_shifts(groups: int, period_s: float) -> tuple[float, ...]:
    """Return equal shifts ``k T / groups``. [s]"""
    return tuple(k * period_s / groups for k in range(groups))


def phase_stagger(spec: PhaseStagger) -> StaggerElement:
    """Return equal shifts; the harmonics of the period that are no multiple of the groups cancel.

    Raises
    ------
    InputError
        If the specification leaves the period to the scenario.
    """
    if spec.period is None:
        raise InputError("phase_stagger: expected a period; only a scenario has an iteration time of its own")
    return StaggerElement(stagger_shifts(spec.groups, spec.period))


def gradual_start(spec: GradualStart, start_s: float = 0.0, share: float = 1.0) -> GradualStartElement:
    """Return the rising ceiling of a specification, its start counted from `start_s`, its heights times `share`."""
    limit = np.inf if spec.limit is None else share * spec.limit
    return GradualStartElement(start_s + spec.start, share * spec.initial, share * spec.rate, limit)


def _damped(
    name: str,
    level: Level,
    power_w: Floats,
    out: Floats,
    dt_s: float,
    burned: float,
    cut: float,
    missed: float,
    active: float,
) -> Damped:
    report = Report(
        name=name,
        level=level,
        energy_in_j=float(power_w.sum()) * dt_s,
        energy_out_j=float(out.sum()) * dt_s,
        burned_j=burned,
        loss_j=0.0,
        stored_change_j=0.0,
        cut_j=cut,
        missed_j=missed,
        before=shape(power_w, dt_s),
        after=shape(out, dt_s),
        active_s=active,
    )
    return Damped(out, report)
