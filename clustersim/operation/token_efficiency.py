"""What a token is worth when sites exchange less often: a stated figure, or the published change of the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.operation.spec_parts.sites import SitesSpec

PUBLISHED = {"diloco": "diloco", "streaming_diloco": "streaming", "decoupled_diloco": "decoupled"}
"""Method -> the name that its losses have in the catalog."""


@dataclass(frozen=True)
class TokenEfficiency:
    """Tokens of synchronous training that do as much as one token of the method, with a band."""

    value: float
    low: float
    high: float
    source: str


def efficiency_of_loss(change: float, reference: float, slope: float) -> float:
    """Return the token efficiency that a change of the loss stands for.

    Along its course the loss of synchronous training falls by `slope` for each e-fold of tokens, ``L = L0 - s ln D``.
    A run whose loss is ``change x reference`` higher at equal tokens is where synchronous training was after the share
    ``exp(-change reference / s)`` of them.

    Parameters
    ----------
    change : float
        Loss over that of synchronous training, less one. [-]
    reference : float
        Loss of synchronous training.
    slope : float
        Fall of the loss per e-fold of tokens.

    Examples
    --------
    >>> round(efficiency_of_loss(0.004, 2.49, 0.0966), 3)
    0.902
    """
    return math.exp(-change * reference / slope)


def token_efficiency(spec: SitesSpec, inner_steps: float) -> TokenEfficiency:
    """Return the token efficiency of a method at `inner_steps` steps between two exchanges of a parameter.

    1 for methods that compute what one site would. Else what the user states, or the published change of the loss
    (catalog ``cross_site_training``, ``loss.*``); the band holds its own, that of the slope and the rounding of two
    printed losses.

    Raises
    ------
    InputError
        If the user states none and none is published for the method and period.
    """
    stated = spec.token_efficiency
    if stated is not None:
        return TokenEfficiency(stated.value, stated.low, stated.high, stated.source)
    if spec.method not in PUBLISHED:
        return TokenEfficiency(1.0, 1.0, 1.0, "the same computation as at one site")
    known = catalog.entry("networks", "cross_site_training")
    key = f"loss.{PUBLISHED[spec.method]}_h{inner_steps:g}"
    if not known.has(key):
        have = [name for name in known.figures if name.startswith(f"loss.{PUBLISHED[spec.method]}_h")]
        raise InputError(
            f"sites.token_efficiency: expected value, low, high and source; no change of the loss is published for"
            f" {spec.method} with inner_steps {inner_steps:g}{'; there is ' + ', '.join(have) if have else ''}"
        )
    loss, slope, reference = known.figure(key), known.figure("loss.slope"), known.si("loss.reference")
    rounding = known.si("loss.rounding") / reference
    slopes = (slope.low, slope.high)
    low = min(efficiency_of_loss(loss.high + rounding, reference, s) for s in slopes)
    high = max(efficiency_of_loss(loss.low - rounding, reference, s) for s in slopes)
    return TokenEfficiency(efficiency_of_loss(loss.value, reference, slope.value), low, high, loss.source)
