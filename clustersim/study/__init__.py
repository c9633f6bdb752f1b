"""The verbs that users call: run one scenario, look at its step or plans, compare designs."""

from clustersim.study.compare import compare, compare_table, input_differences
from clustersim.study.result import Result
from clustersim.study.run import plan_table, run
from clustersim.study.step import StepStudy, study_step

__all__ = ["Result", "StepStudy", "compare", "compare_table", "input_differences", "plan_table", "run", "study_step"]
