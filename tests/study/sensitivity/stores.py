"""Stores written by hand: rows of a known function at the points of a study."""

from clustersim.study.sensitivity.sobol import design
from clustersim.study.sweep.axes import axes_of
from clustersim.study.sweep.drawn import one_at_a_time
from clustersim.study.sweep.records import Outcome
from clustersim.study.sweep.sampling import shares
from clustersim.study.sweep.spec import StudySpec
from clustersim.study.sweep.store import Store

AXES = {
    "damping.0.time_constant": {"uniform": {"from": "10 s", "to": "30 s"}, "name": "tau"},
    "job.tokens_per_step_max": {"uniform": {"from": 1.0, "to": 3.0}, "name": "batch"},
    "operation.spare": {"uniform": {"from": 0.0, "to": 1.0}, "name": "nothing"},
}


def written(folder, answer, combine, *, samples=None, seeds=None, lost=(), axes=AXES):
    """Write a store whose key `y` is `answer` of the axes' numbers and the seed; indexes in `lost` have failed."""
    told = {"name": "trial", "title": "A trial", "scenario": "small", "axes": axes, "combine": combine}
    told |= {name: value for name, value in (("samples", samples), ("seeds", seeds)) if value is not None}
    spec = StudySpec.model_validate(told)
    found = axes_of(spec, "trial")
    if combine == "one_at_a_time":
        points = [[axis.placed(int(at)) for axis, at in zip(found, row, strict=True)]
                  for row in one_at_a_time(len(found))]  # fmt: skip
    else:
        unit = design(len(found), samples, 1).unit if combine == "saltelli" else shares(combine, samples, len(found), 1)
        points = [[axis.at(float(at)) for axis, at in zip(found, row, strict=True)] for row in unit]
    outcomes = []
    for place, settings in enumerate(points):
        for seed in range(seeds or 1):
            index = place * (seeds or 1) + seed
            row = {axis.column: one.shown for axis, one in zip(found, settings, strict=True)} | {"seed": seed}
            error = "it failed" if index in lost else None
            value = {} if error else {"y": answer(*(one.si for one in settings), seed), "word": "text"}
            outcomes.append(Outcome(f"p{index}", index, row | value, error, 0.0))
    about = {"study": spec.model_dump(mode="json", by_alias=True, exclude_none=True)}
    with Store.open(folder, {"study": "s"}, tuple(axis.column for axis in found), about) as store:
        store.append(outcomes)
        store.finish()
    return folder
