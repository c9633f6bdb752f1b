"""Rules of utilities, grid operators and equipment, held against waveforms and plant responses."""

from clustersim.limits.evidence import VERDICT_COLUMNS, Evidence, Observation, Rating, Trace, Verdict
from clustersim.limits.flicker import instantaneous_flicker, short_term_severity
from clustersim.limits.judge import judge
from clustersim.limits.measures import (
    Ramps,
    excursions,
    max_ramp,
    max_rocof,
    repeated_range,
    sliding_range,
    swing,
    voltage_change,
    voltage_dip,
    window_ranges,
)
from clustersim.limits.packs import pack, pack_names, rule, rules_of
from clustersim.limits.spec import MEASURES, LimitsSpec, Rule
from clustersim.power.spectrum import BandShares, band_shares, band_table

__all__ = [
    "MEASURES",
    "VERDICT_COLUMNS",
    "BandShares",
    "Evidence",
    "LimitsSpec",
    "Observation",
    "Ramps",
    "Rating",
    "Rule",
    "Trace",
    "Verdict",
    "band_shares",
    "band_table",
    "excursions",
    "instantaneous_flicker",
    "judge",
    "max_ramp",
    "max_rocof",
    "pack",
    "pack_names",
    "repeated_range",
    "rule",
    "rules_of",
    "short_term_severity",
    "sliding_range",
    "swing",
    "voltage_change",
    "voltage_dip",
    "window_ranges",
]
