"""Governors with limiters of their own: GGOV1, the gas engine, a source behind a converter."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim.errors import InputError
from clustersim.plant import governor_kernels as k
from clustersim.plant.governors import UNBOUNDED, Floats, Governor, per, per_or_none


@dataclass(frozen=True)
class Ggov1(Governor):
    """GGOV1: PID with load and acceleration limiter, valve, turbine; symbols of the model library."""

    R: float
    rselect: int
    """Droop on electrical power (1), valve stroke (-1), stroke asked for (-2), or none (0: isochronous)."""
    Tpelec: float
    maxerr: float
    Kpgov: float
    Kigov: float
    Kdgov: float
    Tdgov: float
    Vmax: float
    Vmin: float
    Tact: float
    Kturb: float
    Wfnl: float
    Tb: float
    Tc: float
    Flag: float
    """1 when the fuel flow rises with speed, else 0."""
    Teng: float
    Tfload: float
    Kpload: float
    Kiload: float
    Ldref: float
    Dm: float
    Ropen: float
    Rclose: float
    Kimw: float
    Aset: float
    Ka: float
    Ta: float
    Tsa: float
    Tsb: float
    db: float
    delt: float
    """Time step of the acceleration limiter. [s]"""

    @property
    def code(self) -> int:
        """Code of the compiled model."""
        return k.GGOV1

    @property
    def most(self) -> float:
        """Largest mechanical power that can be kept up. [pu]"""
        return min(self.Ldref, self.Kturb * (self.Vmax - self.Wfnl))

    def fill(self, row: Floats) -> None:
        """Write the parameters into the group's row.

        Raises
        ------
        InputError
            If the proportional gain or a needed time constant is not above zero, or `rselect` is unknown.
        """
        if not self.Kpgov > 0.0:
            raise InputError(f"GGOV1: expected Kpgov above 0, got {self.Kpgov:g}")
        if self.rselect not in {-2, -1, 0, 1}:
            raise InputError(f"GGOV1: expected rselect of -2, -1, 0 or 1, got {self.rselect:g}")
        row[k.CODE], row[k.BAND], row[k.SHAFT] = self.code, self.db, max(self.Dm, 0.0)
        row[k.G_DROOP], row[k.G_SELECT], row[k.G_PER_TPE] = self.R, self.rselect, per(self.Tpelec, "Tpelec")
        row[k.G_MAXERR], row[k.G_KP], row[k.G_KI], row[k.G_KD] = self.maxerr, self.Kpgov, self.Kigov, self.Kdgov
        row[k.G_PER_TD], row[k.G_PER_TACT] = per(self.Tdgov, "Tdgov"), per(self.Tact, "Tact")
        row[k.G_KTURB], row[k.G_WFNL], row[k.G_PER_TB] = self.Kturb, self.Wfnl, per_or_none(self.Tb)
        row[k.G_LEAD], row[k.G_PER_TE] = self.Tc * per_or_none(self.Tb), per_or_none(self.Teng)
        row[k.G_PER_TFL], row[k.G_KPL], row[k.G_KIL] = per(self.Tfload, "Tfload"), self.Kpload, self.Kiload
        row[k.G_LDREF], row[k.G_ASET], row[k.G_KA] = self.Ldref, self.Aset, self.Ka
        row[k.G_PER_TA], row[k.G_TSA], row[k.G_PER_TSB] = per(self.Ta, "Ta"), self.Tsa, per_or_none(self.Tsb)
        row[k.G_KIMW], row[k.G_FLAG], row[k.G_PER_DELT] = self.Kimw, self.Flag, per(self.delt, "delt")
        row[k.G_VMAX], row[k.G_VMIN] = self.Vmax, self.Vmin
        row[k.UP], row[k.DOWN] = min(row[k.UP], self.Ropen), min(row[k.DOWN], -self.Rclose)

    def start(self, power: float) -> list[float]:
        """Return the states at rest at `power`. [pu]"""
        stroke = power / self.Kturb + self.Wfnl
        delayed = [stroke * self.Teng**2 / 12.0, 0.0]
        return [
            power, stroke, 0.0, 0.0, stroke + self.Ka * self.Aset * self.delt, stroke, power, *delayed,
            stroke, stroke, self.Vmax, 0.0,
        ]  # fmt: skip

    def limits(self) -> tuple[list[float], list[float]]:
        """Return the least and the largest value of each state."""
        low, high = [-UNBOUNDED] * self.states, [UNBOUNDED] * self.states
        low[5], high[5], high[11] = self.Vmin, self.Vmax, self.Vmax
        low[12], high[12] = -1.1 * self.R, 1.1 * self.R
        return low, high


@dataclass(frozen=True)
class GasEngine(Governor):
    r"""Turbocharged gas engine: speed control, actuator, dead time, and torque limited by its charge air.

    .. math::
        u = K_p e + \int K_i e, \quad e = R (ref - \bar u) - \omega, \quad 0 \le u \le \min(x + a(x), u_{max})

        a(x) = \max(a_0 - c x, a_1), \qquad \dot x = \min((\tau - x) / T_x, r)

    Torque :math:`\tau` follows the fuel :math:`u` through the actuator's lag and the dead time of the firing interval.
    The charge-air state x allows torque to step by the share a(x) at once; beyond, it builds up at the rate r.
    """

    droop: float
    kp: float
    ki: float
    actuator_s: float
    dead_s: float
    accept: float
    """Share of rated torque that can step at once without load, a0. [pu]"""
    fall: float
    """By how much that share falls per unit of torque, c. [-]"""
    least: float
    """Its lower bound, a1. [pu]"""
    rate: float
    """Build-up rate of the charge air, r. [pu/s]"""
    turbo_s: float
    limit: float = 1.1
    """Largest torque that fuel is given for. [pu]"""
    deadband: float = 0.0

    @property
    def code(self) -> int:
        """Code of the compiled model."""
        return k.ENGINE

    @property
    def most(self) -> float:
        """Largest mechanical power that can be kept up. [pu]"""
        return self.limit

    def fill(self, row: Floats) -> None:
        """Write the parameters into the group's row."""
        row[k.CODE], row[k.BAND] = self.code, self.deadband
        row[k.E_DROOP], row[k.E_KP], row[k.E_KI] = self.droop, self.kp, self.ki
        row[k.E_PER_TACT], row[k.E_PER_TDEAD] = per(self.actuator_s, "actuator"), per_or_none(self.dead_s)
        row[k.E_ACCEPT], row[k.E_FALL], row[k.E_LEAST] = self.accept, self.fall, self.least
        row[k.E_RATE], row[k.E_PER_TTURBO], row[k.E_MOST] = self.rate, per(self.turbo_s, "turbo"), self.limit

    def start(self, power: float) -> list[float]:
        """Return the states at rest at `power`. [pu]"""
        return [power, power, power, power * self.dead_s**2 / 12.0, 0.0, power]


@dataclass(frozen=True)
class Converter(Governor):
    """Fuel cell or other source behind a converter: a lag and a ramp limit; droop when `per_droop` is above zero."""

    time_s: float
    per_droop: float = 0.0
    deadband: float = 0.0

    @property
    def code(self) -> int:
        """Code of the compiled model."""
        return k.CONVERTER

    @property
    def most(self) -> float:
        """Largest mechanical power that can be kept up. [pu]"""
        return 1.0

    @property
    def answers(self) -> bool:
        """Whether the power answers the speed at all."""
        return self.per_droop > 0.0

    def fill(self, row: Floats) -> None:
        """Write the parameters into the group's row."""
        row[k.CODE], row[k.PER_DROOP], row[k.BAND] = self.code, self.per_droop, self.deadband
        row[k.C_PER_T] = per(self.time_s, "response_time")

    def start(self, power: float) -> list[float]:
        """Return the states at rest at `power`. [pu]"""
        return [power]

    def limits(self) -> tuple[list[float], list[float]]:
        """Return the least and the largest value of each state."""
        return [0.0], [1.0]
