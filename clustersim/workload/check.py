"""Whether a plan can cut a model, and if not, every reason at once."""

from __future__ import annotations

from clustersim.errors import InputError
from clustersim.workload.spec import ModelSpec, PlanSpec


def check_plan(model: ModelSpec, plan: PlanSpec, sequence_length: int | None = None) -> None:
    """Raise if the plan cannot cut the model.

    Raises
    ------
    InputError
        Naming the key of the plan, what was expected and what was found; all problems at once.
    """
    problems = [*_groups(model, plan, sequence_length), *_pipeline(model, plan), *_experts(model, plan)]
    if problems:
        raise InputError("\n".join(problems))


def _groups(model: ModelSpec, plan: PlanSpec, sequence_length: int | None) -> list[str]:
    problems = []
    if model.heads % plan.tensor:
        problems.append(f"job.plan.tensor: {plan.tensor} does not divide the {model.heads} heads of {model.name}")
    if sequence_length is not None and sequence_length % plan.context:
        problems.append(f"job.plan.context: {plan.context} does not divide the {sequence_length} tokens of a sequence")
    if plan.shard_group is not None and plan.data % plan.shard_group:
        problems.append(f"job.plan.shard_group: {plan.shard_group} does not divide the {plan.data} replicas")
    return problems


def _pipeline(model: ModelSpec, plan: PlanSpec) -> list[str]:
    problems = []
    stages = plan.pipeline * plan.virtual_stages
    if stages > model.layers + 2:  # the first and the last may hold the embedding or the head alone
        problems.append(
            f"job.plan.pipeline: {plan.pipeline} stages x {plan.virtual_stages} virtual stages need at least "
            f"{stages - 2} layers; {model.name} has {model.layers}"
        )
    if plan.stage_layers is not None:
        found = f"{len(plan.stage_layers)} with {sum(plan.stage_layers)}"
        if len(plan.stage_layers) != stages or sum(plan.stage_layers) != model.depth or min(plan.stage_layers) < 0:
            problems.append(
                f"job.plan.stage_layers: expected {stages} virtual stages with {model.depth} layers, got {found}"
            )
    if plan.virtual_stages > 1 and plan.pipeline == 1:
        problems.append("job.plan.virtual_stages: interleaving needs more than one pipeline stage")
    breadth = plan.schedule == "breadth_first"
    if plan.virtual_stages > 1 and not breadth and plan.micro_batches % plan.pipeline:
        problems.append(
            f"job.plan.micro_batches: interleaving needs a multiple of the {plan.pipeline} pipeline stages, "
            f"got {plan.micro_batches}"
        )
    if breadth and plan.virtual_stages > 1 and plan.micro_batches < plan.pipeline:
        problems.append(
            "job.plan.micro_batches: breadth_first with virtual stages needs at least the "
            f"{plan.pipeline} of the pipeline stages, got {plan.micro_batches}"
        )
    if breadth and plan.deep:
        problems.append("job.plan.expert_overlap: breadth_first has no pairs of passes; use none or halves")
    if plan.schedule in ("zero_bubble", "dualpipe") and (plan.virtual_stages > 1 or plan.pipeline == 1):
        problems.append(f"job.plan.schedule: {plan.schedule} needs more than one stage of one virtual stage each")
    if plan.schedule == "zero_bubble" and plan.deep:
        problems.append(
            "job.plan.expert_overlap: zero_bubble keeps too few micro-batches for pairs; use none or halves"
        )
    if plan.schedule == "dualpipe" and plan.balance:
        problems.append("job.plan.balance: dualpipe needs the same micro-batches in all replicas")
    if plan.schedule == "dualpipe" and (
        plan.pipeline % 2 or plan.micro_batches % 2 or plan.micro_batches < 2 * plan.pipeline
    ):
        problems.append(
            "job.plan.schedule: dualpipe needs an even number of stages, and an even number of micro-batches of at "
            f"least twice the stages; got {plan.pipeline} stages and {plan.micro_batches} micro-batches"
        )
    return problems


def _experts(model: ModelSpec, plan: PlanSpec) -> list[str]:
    if model.kind == "dense":
        if plan.expert != 1:
            return [f"job.plan.expert: {model.name} is dense, so expected 1, got {plan.expert}"]
        return []
    problems = []
    if model.experts % plan.expert:
        problems.append(f"job.plan.expert: {plan.expert} does not divide the {model.experts} experts of {model.name}")
    replica = plan.tensor * plan.context
    inside = replica % plan.expert == 0
    across = plan.expert % replica == 0 and plan.data % plan.replicas_per_unit == 0
    if not (inside or across):
        problems.append(
            f"job.plan.expert: expected a divisor of tensor x context ({replica}), or a multiple of it whose quotient "
            f"divides data ({plan.data}), got {plan.expert}"
        )
    return problems
