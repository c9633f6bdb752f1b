"""The sections of the report page: answers, figures and tables, in the order in which a planner asks."""

from clustersim.report.sections.assumptions import assumptions_section
from clustersim.report.sections.damping import damping_section
from clustersim.report.sections.executive import executive_section
from clustersim.report.sections.expected import expected_section
from clustersim.report.sections.money import money_section
from clustersim.report.sections.network import network_section
from clustersim.report.sections.plant import mode_tables, plant_section, verdict_table
from clustersim.report.sections.power import power_section
from clustersim.report.sections.records import Card, Figure, Section, Table, cards
from clustersim.report.sections.speed import load_section, speed_section
from clustersim.study.result import Result

__all__ = [
    "Card",
    "Figure",
    "Section",
    "Table",
    "cards",
    "mode_tables",
    "sections",
    "verdict_table",
]


def sections(result: Result) -> list[Section]:
    """Return the sections of a run's report."""
    expected = expected_section(result)
    return [
        executive_section(result),
        *([] if expected is None else [expected]),
        load_section(result) if result.measured else speed_section(result),
        network_section(result),
        power_section(result),
        plant_section(result),
        damping_section(result),
        money_section(result),
        assumptions_section(result),
    ]
