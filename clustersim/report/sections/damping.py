"""What damping costs."""

from __future__ import annotations

from clustersim.report.sections.records import Section, cards
from clustersim.report.text import damping_words
from clustersim.study.result import Result


def damping_section(result: Result) -> Section:
    """Return what damping takes of energy, tokens and cells."""
    keys = (
        ("damping_energy_share", "more energy" if result.measured else "more energy at equal tokens"),
        ("damping_energy_mwh", "energy of damping"),
        ("throughput_loss", "fewer tokens"),
        ("battery_cycles_per_year", "battery cycles"),
        ("rack_storage_cycles_per_year", "rack storage cycles"),
        ("psu_storage_cycles_per_year", "PSU storage cycles"),
        ("hybrid_capacitor_cycles_per_year", "supercapacitor cycles"),
        ("hybrid_battery_cycles_per_year", "cycles of the battery behind it"),
        ("meter_store_cycles_per_year", "cycles of other storage at the meter"),
        ("load_bank_energy_mwh", "burned in load banks"),
        ("start_lost_time_s", "training time lost per start"),
    )
    notes = [f"Damping: {damping_words(result.scenario)}. Against the same scenario and seed without damping."]
    return Section("damping", "What damping costs", cards=cards(result.summary, keys), notes=notes)
