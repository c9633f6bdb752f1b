"""Names are the field's words, written out: none has an abbreviation or a synonym of a word of the glossary."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from clustersim.cli import app
from clustersim.report.glossary import glossary

ROOT = Path(__file__).resolve().parents[1]
WRITTEN_OUT = {
    "accelerator": "accel accels xpu",
    "address": "addr",
    "argument": "arg args kwarg",
    "attention": "attn",
    "attribute": "attr attrs",
    "bandwidth": "bw",
    "battery": "batt bess",
    "buffer": "buf",
    "checkpoint": "ckpt chkpt",
    "coefficient": "coef coeff",
    "column": "col cols",
    "configuration": "cfg conf config configs",
    "context": "ctx",
    "count": "cnt num nb nr",
    "current": "cur curr",
    "description": "desc descr",
    "deviation": "std stdev",
    "document": "doc docs",
    "efficiency": "eff",
    "element": "elem",
    "energy": "enrg",
    "environment": "env",
    "error": "err errs exc",
    "event": "ev evt",
    "exchange, or the collective's name": "comm comms",
    "experts": "exps",
    "fibre": "fiber fibers",
    "figure": "fig figs",
    "fraction": "frac",
    "frequency": "freq freqs",
    "function": "func fn fcn",
    "generator": "gen gens genset gensets",
    "group": "grp",
    "hardware": "hw",
    "implementation": "impl",
    "index": "idx",
    "instance": "inst",
    "layers": "nlayers",
    "length": "len lens seqlen",
    "level": "lvl",
    "limit": "lim lims",
    "mean": "avg",
    "measurement": "meas",
    "memory": "mem",
    "message": "msg",
    "micro-batch (micro_batch)": "microbatch microbatches minibatch ubatch mbs",
    "object": "obj objs",
    "option": "opt opts",
    "parameter": "param params",
    "percent": "pct",
    "performance": "perf",
    "position": "pos",
    "power": "pwr",
    "previous": "prev",
    "reference": "ref refs",
    "request": "req reqs",
    "response": "resp",
    "result": "res ret",
    "scenario": "scn",
    "second": "sec secs",
    "sequence": "seq seqs",
    "source, destination": "src dst dest",
    "specification (spec)": "specs",
    "statistics": "stat stats",
    "temperature": "temp temps",
    "threshold": "thr thresh",
    "topology": "topo",
    "transformer": "xfmr trafo",
    "value": "val vals",
    "vector, array": "vec arr",
    "voltage": "volt",
    "waveform": "wf wfm",
    "weight": "wt wts",
    "what it is or does": "data1 data2 foo helper helpers manager misc stuff thing util utils",
    "width": "dim dims",
    "working file, or what it holds": "tmp",
    "utilisation": "utilization",
}
"""What stands in a name in place of which forms."""
ALLOWED = {
    "env": "SimPy's environment, under the name that its processes give it",
    "invoke.ctx": "a method of typer, whose parameter has this name",
    "model_config": "pydantic's settings of a record",
    "config": "plotly's settings of a figure",
    "CONFIG": "plotly's settings of a figure",
    "tmp": "total module power, the rating that NVIDIA's smoothing profile counts from",
    "tmp_w": "the same",
    "percent_tmp_floor": "field of NVIDIA's smoothing profile",
    "head_dim": "key of a model's config.json",
    "nope_dim": "key of a model's config.json",
    "rope_dim": "key of a model's config.json",
    "v_dim": "key of a model's config.json",
    "v_head_dim": "key of a model's config.json",
    "qk_nope_head_dim": "key of a model's config.json",
    "qk_rope_head_dim": "key of a model's config.json",
    "exposed_comm_fraction": "key of the summary that other programs read",
    "ref": "input of published governor models",
    "V_REF": "parameter of REPC_A",
    "ERR_MAX": "parameter of REPC_A (emax)",
    "ERR_MIN": "parameter of REPC_A (emin)",
}
"""Names that keep such a form, `function.parameter` or alone, each with its reason."""
REJECTED = {form: term for term, forms in WRITTEN_OUT.items() for form in forms.split()}


def parts(name):
    """Words of a name: snake case, camel case, hyphens."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def below(node, path):
    """Names that a module, class or function gives away; what a function uses within is its own."""
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield path, "", child.name
                given = child.args
                yield from ((path, child.name, a.arg) for a in [*given.posonlyargs, *given.args, *given.kwonlyargs])
            case ast.ClassDef():
                yield path, "", child.name
                yield from below(child, path)
            case ast.AnnAssign() | ast.Assign():
                targets = [child.target] if isinstance(child, ast.AnnAssign) else child.targets
                names = (one for target in targets for one in ast.walk(target) if isinstance(one, ast.Name))
                yield from ((path, "", one.id) for one in names if isinstance(one.ctx, ast.Store))
            case ast.If():
                yield from below(child, path)


@cache
def names():
    """Every name as where it stands, the function whose parameter it is, and itself."""
    found = []
    for path in [*(ROOT / "clustersim").rglob("*.py"), *(ROOT / "app").rglob("*.py")]:
        where = path.relative_to(ROOT).as_posix()
        found += [(where, "", part.removesuffix(".py")) for part in Path(where).parts]
        found += below(ast.parse(path.read_text(encoding="utf-8")), where)
    for verb, command in get_command(app).commands.items():
        options = (text for one in command.params for text in (*one.opts, *one.secondary_opts))
        found += [("command line", "", verb), *((f"clustersim {verb}", "", text.lstrip("-")) for text in options)]
    keys = yaml.safe_load((ROOT / "clustersim" / "summary_keys.yaml").read_text(encoding="utf-8"))
    found += [("summary", "", key) for page in keys.values() for key in page]
    return [one for one in found if not one[2].startswith("__")]


def is_allowed(function, name):
    return name in ALLOWED or f"{function}.{name}" in ALLOWED


def test_names_are_written_out():
    wrong = {
        f"{where}: {name}, expected {REJECTED[part]} for {part}"
        for where, function, name in names()
        for part in parts(name)
        if part in REJECTED and not is_allowed(function, name)
    }
    assert sorted(wrong) == []


def test_every_name_that_may_stay_is_there_and_needs_the_leave():
    there = {name for _, function, one in names() for name in (one, f"{function}.{one}")}
    assert sorted(set(ALLOWED) - there) == []
    assert [name for name in ALLOWED if not set(parts(name)) & set(REJECTED)] == []
    assert all(ALLOWED.values())


def test_what_is_rejected_is_no_word_of_the_glossary():
    words = {part for word in glossary() for part in parts(word)}
    assert not words & set(REJECTED)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("num_gpus", ["num", "gpus"]), ("PeakPwr", ["peak", "pwr"]), ("link-bw", ["link", "bw"]),
        ("GPUCount", ["gpu", "count"]), ("P_MAX2", ["p", "max"]), ("_freq_hz", ["freq", "hz"]),
    ],
)  # fmt: skip
def test_names_are_taken_apart(name, found):
    assert parts(name) == found


def test_all_kinds_of_names_are_looked_at():
    found = {(where, name) for where, _, name in names()}
    assert ("command line", "fit-power") in found  # a verb
    assert ("clustersim assess", "limits") in found  # an option
    assert ("summary", "peak_mw") in found
    assert ("clustersim/units.py", "parse") in found  # a function
    assert ("clustersim/power/spec.py", "GpuSmoothing") in found  # a class
    assert ("clustersim/operation/spec_parts/fleet.py", "backfill_depth") in found  # a key
    assert ("clustersim/study/whole_folder.py", "whole_folder") in found  # a module, and a function
