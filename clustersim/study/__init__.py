"""The verbs that users call: run one scenario, look at its step or plans, compare designs."""

from clustersim.study.compare import compare, compare_table, input_differences
from clustersim.study.result import Result
from clustersim.study.run import run
from clustersim.study.run_tables import plan_table
from clustersim.study.step import StepStudy, study_step

__all__ = ["Result", "StepStudy", "compare", "compare_table", "input_differences", "plan_table", "run", "study_step"]
