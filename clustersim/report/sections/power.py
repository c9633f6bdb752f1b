"""What the power of a run looks like."""

from __future__ import annotations

from clustersim.report import figures
from clustersim.report.measured import cycle_s
from clustersim.report.sections.records import Figure, Section, cards
from clustersim.report.svg import Picture
from clustersim.report.words import percent
from clustersim.study.result import Result


def power_section(result: Result) -> Section:
    """Return the power of all windows."""
    s, steady = result.summary, result.waveforms["steady"]
    zoom_s = 3.0 * cycle_s(result)
    kind, cycles = ("as measured", "cycles") if result.measured else ("steady training", "steps")
    keys = (
        ("it_computing_mw", "drawn IT while computing"),
        ("it_mean_mw", "drawn IT, mean"),
        ("others_mean_mw", "of it, the rest of the fleet"),
        ("it_bubble_mw", "taken off by the bubble"),
        ("provisioned_mw", "provisioned IT"),
        ("it_excess_peak_mw", "IT if all peaks coincided"),
        ("mean_mw", "meter, mean"),
        ("peak_mw", "meter, peak"),
        ("swing_mw", f"swing within a {cycles[:-1]}"),
        ("max_ramp_up_mw_per_s", "largest rise in 1 s"),
        ("max_ramp_down_mw_per_s", "largest fall in 1 s"),
        ("iteration_frequency_hz", "step frequency"),
        ("energy_mwh", "energy over the horizon"),
        ("pue", "PUE"),
    )
    found: list[Figure | Picture] = [
        Figure(f"Power at the meter, {kind}", figures.waveform(steady), figures.waveform_note(steady)),
        Figure(f"Three {cycles}", figures.waveform(steady, 0.0, zoom_s), figures.waveform_note(steady, 0.0, zoom_s)),
        Figure(
            "Spectrum of the meter",
            figures.spectrum(steady),
            f"In 0.1-20 Hz: {percent(s['band_energy_share'])} of the swings' energy, "
            f"{percent(s['band_amplitude_share'])} of their amplitude.",
        ),
    ]
    if not result.measured:
        title = "One accelerator, its server and its rack"
        found.append(Figure(title, figures.close_up(result), "1 ms samples, three steps."))
    for name, wave in result.waveforms.items():
        if name != "steady":
            found.append(Figure(f"Event: {name}", figures.waveform(wave), figures.waveform_note(wave)))
    return Section("power", "Its power", cards=cards(s, keys), figures=found)
