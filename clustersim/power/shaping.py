"""Load bank, staggering by a phase, and gradual start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    name: str = "gradual_start"
    level: Level = "rank"

    def apply(self, power_w: Floats, dt_s: float) -> Damped:
        """Return ``min(x, initial + rate (t - start))`` from the start on, as exact bin means."""
        edges = dt_s * np.arange(power_w.size + 1)
        begin = np.maximum(edges[:-1], self.start_s)
        span = np.maximum(edges[1:] - begin, 0.0)
        above = power_w - self.initial_w - self.rate_w_per_s * (begin - self.start_s)
        # the ceiling rises: the excess falls in a straight line from `above` and ends where it is 0
        wait = np.clip(above / self.rate_w_per_s, 0.0, span)
        cut = np.where(span > 0.0, wait * (above - 0.5 * self.rate_w_per_s * wait), 0.0)
        out = power_w - cut / dt_s
        active = float(wait.sum())
        return _damped(self.name, self.level, power_w, out, dt_s, 0.0, float(cut.sum()), 0.0, active)


def load_bank(spec: LoadBank) -> LoadBankElement:
    """Return the load bank of a specification."""
    return LoadBankElement(spec.power, spec.floor, np.inf if spec.ramp_down is None else spec.ramp_down)


def phase_stagger(spec: PhaseStagger) -> StaggerElement:
    """Return equal shifts ``k T / groups``; the harmonics of T that are no multiple of the groups cancel."""
    return StaggerElement(tuple(k * spec.period / spec.groups for k in range(spec.groups)))


def gradual_start(spec: GradualStart) -> GradualStartElement:
    """Return the rising ceiling of a specification."""
    return GradualStartElement(spec.start, spec.initial, spec.rate)


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
