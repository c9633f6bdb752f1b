"""Model architecture times parallel plan: FLOPs, bytes, messages, memory and compute time per virtual stage."""

from clustersim.workload.architecture import count_parameters, model_flops_per_token, selective_flops_per_token
from clustersim.workload.check import check_plan
from clustersim.workload.program import StepProgram, build_step_program, check_memory
from clustersim.workload.spec import JobSpec, ModelSpec, PlanSpec, load_model

__all__ = [
    "JobSpec",
    "ModelSpec",
    "PlanSpec",
    "StepProgram",
    "build_step_program",
    "check_memory",
    "check_plan",
    "count_parameters",
    "load_model",
    "model_flops_per_token",
    "selective_flops_per_token",
]
