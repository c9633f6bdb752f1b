"""Parameters and states of a machine with its controls at an operating point."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.plant import network_kernels as k
from clustersim.plant.spec_parts.network import ExciterSpec, NetworkGovernorSpec, NetworkMachineSpec

Array = NDArray[np.float64]


def machine_start(
    name: str, machine: NetworkMachineSpec, base: float, voltage: complex, power: complex
) -> tuple[Array, Array]:
    """Return parameters and states of a machine such that nothing of it moves.

    Parameters
    ----------
    name : str
        Of the machine, for messages.
    machine : NetworkMachineSpec
        The machine.
    base : float
        Power base of the network. [VA]
    voltage, power : complex
        At its bus; power that it gives. [pu]

    Returns
    -------
    parameters : ndarray, shape (40,)
        In the columns of :mod:`clustersim.plant.network_kernels`.
    states : ndarray, shape (14,)

    Raises
    ------
    InputError
        If its exciter or governor would start beyond a limit.

    Notes
    -----
    The quadrature axis lies along ``V + (ra + j xq) I``; Kundur (1994), chapter 3.6.
    """
    p, x = np.zeros(k.PARAMETERS), np.zeros(k.STATES)
    share = machine.rating / base
    round_rotor = machine.model == "round_rotor"
    xd1 = machine.xd1 / share

    def reactance(key: str) -> float:
        return float(getattr(machine, key)) / share if round_rotor else xd1

    p[[k.PER_M, k.DAMP, k.RA]] = (
        1.0 / (2.0 * machine.inertia * share),
        machine.damping * share,
        machine.resistance / share,
    )
    p[[k.XD, k.XQ, k.XD1, k.XQ1, k.XDD]] = [reactance(key) for key in ("xd", "xq", "xd1", "xq1", "x2")]
    if round_rotor:
        p[k.XL] = reactance("xl")
        for column, key in ((k.PER_TD1, "td10"), (k.PER_TQ1, "tq10"), (k.PER_TD2, "td20"), (k.PER_TQ2, "tq20")):
            p[column] = 1.0 / float(getattr(machine, key))
    current = (power / voltage).conjugate()
    behind = voltage + complex(p[k.RA], p[k.XQ]) * current
    x[k.ANGLE] = math.atan2(behind.imag, behind.real)
    turn = complex(math.cos(x[k.ANGLE]), -math.sin(x[k.ANGLE]))
    vdq, idq = voltage * turn, current * turn
    iq, id_ = idq.real, -idq.imag
    field = vdq.real + p[k.RA] * iq + p[k.XD] * id_
    x[k.E1Q], x[k.E1D] = field - (p[k.XD] - p[k.XD1]) * id_, (p[k.XQ] - p[k.XQ1]) * iq
    x[k.E2D], x[k.E2Q] = field - (p[k.XD] - p[k.XL]) * id_, (p[k.XQ] - p[k.XL]) * iq
    torque = (power.real + p[k.RA] * abs(current) ** 2) / share
    p[[k.SHARE, k.TORQUE, k.FIELD0]] = share, torque, field
    if machine.exciter is not None:
        _exciter(name, machine.exciter, abs(voltage), field, p, x)
    if machine.governor is not None:
        _governor(name, machine.governor, torque, p, x)
    return p, x


def _exciter(name: str, spec: ExciterSpec, voltage: float, field: float, p: Array, x: Array) -> None:
    p[[k.EXCITER, k.GAIN, k.LEAD, k.PER_LAG]] = (
        k.SEXS if spec.model == "SEXS" else k.EXDC2, spec.gain, spec.lead, 1.0 / spec.lag,
    )  # fmt: skip
    p[[k.PER_REGULATOR, k.EMAX, k.EMIN]] = 1.0 / spec.regulator, spec.most, spec.least
    regulator = field
    if spec.model == "EXDC2":
        assert spec.sensing and spec.exciter and spec.feedback and spec.feedback_gain is not None  # noqa: S101, PT018 (the spec has checked)
        p[[k.PER_SENSE, k.PER_EXCITER, k.KE]] = 1.0 / spec.sensing, 1.0 / spec.exciter, spec.self_excitation
        p[[k.KF, k.PER_TF]] = spec.feedback_gain, 1.0 / spec.feedback
        regulator = spec.self_excitation * field
        x[[k.SENSED, k.FIELD, k.FEEDBACK]] = voltage, field, field
    if not spec.least < regulator < spec.most:
        raise InputError(
            f"network: machines.{name}.exciter: the operating point needs {regulator:.4g} pu, outside its limits "
            f"{spec.least:g} to {spec.most:g} pu"
        )
    x[[k.LEADLAG, k.REGULATOR]] = regulator / spec.gain, regulator
    p[k.VREF] = voltage + regulator / spec.gain


def _governor(name: str, spec: NetworkGovernorSpec, torque: float, p: Array, x: Array) -> None:
    most = min(spec.most, spec.temperature_limit) if spec.model == "GAST" else spec.most
    if not spec.least <= torque <= most:
        raise InputError(
            f"network: machines.{name}.governor: the operating point needs {torque:.4g} pu, outside its limits "
            f"{spec.least:g} to {most:g} pu"
        )
    p[[k.GOVERNOR, k.PER_DROOP]] = k.TGOV1 if spec.model == "TGOV1" else k.GAST, 1.0 / spec.droop
    p[[k.PER_T1, k.G_T2, k.PER_T3]] = 1.0 / spec.t1, spec.t2, 1.0 / spec.t3
    p[[k.GMAX, k.GMIN, k.G_DAMP, k.BAND]] = spec.most, spec.least, spec.damping, spec.deadband
    p[[k.AT, k.KT]] = spec.temperature_limit, spec.temperature_gain
    x[[k.X1, k.X2, k.X3]] = torque
