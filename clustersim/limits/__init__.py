"""Rules of utilities, grid operators and equipment, held against waveforms and plant responses."""

from clustersim.limits.evidence import VERDICT_COLUMNS, Evidence, Observation, Rating, Trace, Verdict
from clustersim.limits.flicker import (
    instantaneous_flicker,
    instantaneous_flicker_of_wave,
    long_term_severity,
    short_term_severities,
    short_term_severity,
    short_term_severity_of_wave,
)
from clustersim.limits.judge import judge
from clustersim.limits.measures import (
    Ramps,
    band_range,
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
from clustersim.limits.spec import MEASURES, OF_POWER_ALONE, LimitsSpec, Rule
from clustersim.power.spectrum import BandShares, band_shares, band_table

__all__ = [
    "MEASURES",
    "OF_POWER_ALONE",
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
    "band_range",
    "band_shares",
    "band_table",
    "excursions",
    "instantaneous_flicker",
    "instantaneous_flicker_of_wave",
    "judge",
    "long_term_severity",
    "max_ramp",
    "max_rocof",
    "pack",
    "pack_names",
    "repeated_range",
    "rule",
    "rules_of",
    "short_term_severities",
    "short_term_severity",
    "short_term_severity_of_wave",
    "sliding_range",
    "swing",
    "voltage_change",
    "voltage_dip",
    "window_ranges",
]
