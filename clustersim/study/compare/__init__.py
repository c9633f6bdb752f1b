"""Designs side by side: inputs that differ, answers, limits, where a difference comes from, where it turns."""

from clustersim.study.compare.break_even import BreakEven, break_even_table, break_evens
from clustersim.study.compare.comparison import Comparison, compare
from clustersim.study.compare.designs import Design, of_folder, of_result, of_summary
from clustersim.study.compare.differences import input_differences
from clustersim.study.compare.failed_limits import limits_matrix, limits_table
from clustersim.study.compare.radar import DEFINITION, radar_table
from clustersim.study.compare.table import compare_table
from clustersim.study.compare.waterfall import Waterfall, waterfall_table, waterfalls
from clustersim.study.questions import QUESTIONS
from clustersim.summary_keys import unit_of

__all__ = [
    "DEFINITION",
    "QUESTIONS",
    "BreakEven",
    "Comparison",
    "Design",
    "Waterfall",
    "break_even_table",
    "break_evens",
    "compare",
    "compare_table",
    "input_differences",
    "limits_matrix",
    "limits_table",
    "of_folder",
    "of_result",
    "of_summary",
    "radar_table",
    "unit_of",
    "waterfall_table",
    "waterfalls",
]
