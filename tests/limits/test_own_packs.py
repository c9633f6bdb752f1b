"""Packs of rules that users write."""

import re
from pathlib import Path

import pytest
import yaml

import clustersim
from clustersim import catalog
from clustersim.catalog.rule_files import limit_files
from clustersim.errors import InputError
from clustersim.limits import LimitsSpec, Rule, pack_names, rules_of
from clustersim.limits.spec import is_pack, pack_rules
from clustersim.limits.spec_parts.rule import RATINGS
from clustersim.report.check import problems
from clustersim.scenario import load_any, resolved, shipped
from clustersim.scenario.pack_files import unknown_pack
from clustersim.study.measured.assess import load_rules

PACK = """
title: Contract of the site
sources:
  CONTRACT: {title: "Connection agreement", date: "2026"}
rules:
  contract-ramp:
    measure: ramp
    lag: 10 s
    limit: 5 MW/s
    source: CONTRACT
    where: clause 4
    status: utility_practice
    confidence: from_memory
  contract-dips:
    measure: ride_through
    curve: [["150 ms", "0.3 pu"], ["1 s", "0.7 pu"]]
    limit: 100 %
    comparison: at_least
    source: CONTRACT
    status: proposal
"""


def lines_of(text):
    with pytest.raises(InputError) as caught:
        pack_rules(yaml.load(text, Loader=yaml.CSafeLoader), "own.yaml")
    return str(caught.value).splitlines()


def scenario(folder, limits, packs=PACK):
    (folder / "own.yaml").write_text(packs)
    text = (shipped("scenarios") / "colossus_200k.yaml").read_text()
    tree = yaml.load(text, Loader=yaml.CSafeLoader) | {"limits": limits}
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def test_a_pack_is_read():
    tree = yaml.load(PACK, Loader=yaml.CSafeLoader)
    assert is_pack(tree)
    spec = LimitsSpec.model_validate({"packs": [], "rules": pack_rules(tree, "own.yaml")})
    ramp, dips = rules_of(spec)
    assert (ramp.id, ramp.limit_si, ramp.source, ramp.status, ramp.assumed) == (
        "contract-ramp", 5e6, "Connection agreement", "utility_practice", True,
    )  # fmt: skip
    assert dips.curve == ((0.15, 0.3), (1.0, 0.7))
    assert LimitsSpec.model_validate(spec.model_dump(mode="json")) == spec


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("5 MW/s", "5", "rules.contract-ramp: limit: expected a ramp with a unit"),
        ("limit: 5 MW/s", "limit: 5 MW", "rules.contract-ramp: limit: expected a ramp with a unit (W/s, kW/s, MW/s"),
        ("limit: 5 MW/s", "limit: ", "rules.contract-ramp: limit: expected a value, found none"),
        ("measure: ramp", "measure: rampe", "found 'rampe'; did you mean 'ramp'?"),
        ("lag: 10 s", "window: 10 s", "rules.contract-ramp: lag: ramp needs one, found none"),
        ("lag: 10 s", "lag: 10", "rules.contract-ramp: lag: "),
        ("lag: 10 s", "lagg: 10 s", "rules.contract-ramp: lagg: unknown key; did you mean 'lag'?"),
        ("status: utility_practice", "status: practice", "status: expected one of law, proposal"),
        ("    status: proposal\n", "", "rules.contract-dips: status: expected a value, found none"),
        ("source: CONTRACT\n    where", "source: CONTRAT\n    where", "found 'CONTRAT'; did you mean 'CONTRACT'?"),
        ("    source: CONTRACT\n    status: prop", "    status: prop", "source: expected a value, found none"),
        ('curve: [["150 ms", "0.3 pu"], ["1 s", "0.7 pu"]]', "lag: 1 s", "curve: ride_through needs one, found none"),
        ("contract-ramp:", "southern-ramp:", "is the name of a shipped rule or pack: expected another"),
        ("{title:", "{titel:", "sources.CONTRACT.title: Field required"),
        ("rules:", "rule:", "rule: unknown key; did you mean 'rules'?"),
    ],
)
def test_every_problem_is_named(old, new, told):
    assert old in PACK
    assert any(told in line for line in lines_of(PACK.replace(old, new))), lines_of(PACK.replace(old, new))


def test_all_problems_are_told_at_once():
    wrong = PACK.replace("5 MW/s", "5").replace("status: proposal", "status: rumour").replace("lag: 10 s", "lag: ")
    assert len(lines_of(wrong)) == 3
    assert all(line.startswith("own.yaml: rules.contract-") for line in lines_of(wrong))


@pytest.mark.parametrize("path", limit_files(), ids=lambda path: path.stem)
def test_shipped_files_have_the_same_form(path):
    """But for their packs and issuers, and for their names, which are taken."""
    tree = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
    tree.pop("packs")
    tree.pop("issuer", None)
    for body in tree["rules"].values():
        body.pop("issuer", None)
    if tree["rules"]:
        tree["rules"] = {f"my-{name}": body for name, body in tree["rules"].items()}
        assert len(pack_rules(tree, path.name)) == len(tree["rules"])


def test_a_scenario_takes_a_pack_file_and_carries_its_rules_along(tmp_path):
    limits = {"packs": ["southern", "own.yaml"], "overrides": {"contract-ramp": "6 MW/s"}, "skip": ["contract-dips"]}
    loaded = load_any(scenario(tmp_path, limits))
    assert loaded.limits.packs == ("southern",)
    assert [(r.id, r.limit) for r in rules_of(loaded.limits)] == [
        ("southern-ramp", "20 MW/min"), ("contract-ramp", "6 MW/s"),
    ]  # fmt: skip
    tree = resolved(loaded)
    (tmp_path / "own.yaml").unlink()
    assert LimitsSpec.model_validate(tree["limits"]) == loaded.limits


def test_a_pack_outside_the_folder_or_wrong_is_told_with_its_key(tmp_path):
    with pytest.raises(InputError, match=r"limits.packs.0: expected a file inside the scenario's folder"):
        load_any(scenario(tmp_path, {"packs": ["sub/../../own.yaml"]}))
    with pytest.raises(InputError, match=r"limits.packs.1: expected the path of a .yaml file"):
        load_any(scenario(tmp_path, {"packs": ["southern", "/etc/own.yaml"]}))
    with pytest.raises(InputError, match=r"missing.yaml: expected a file, found none"):
        load_any(scenario(tmp_path, {"packs": ["missing.yaml"]}))
    (tmp_path / "second.yaml").write_text(PACK)
    with pytest.raises(InputError, match=r"second.yaml: rules.contract-ramp: is in own.yaml already"):
        load_any(scenario(tmp_path, {"packs": ["own.yaml", "second.yaml"]}))
    told = problems(scenario(tmp_path, {"packs": ["own.yaml"]}, PACK.replace("5 MW/s", "5 MW")))
    assert any("own.yaml: rules.contract-ramp: limit: expected a ramp" in line for line in told)


def test_the_name_of_a_pack_is_told_with_the_place_that_it_has_in_the_file(tmp_path):
    told = problems(scenario(tmp_path, {"packs": ["own.yaml", "southern", "suthern"]}))
    assert [line.split(": ", 1)[1] for line in told] == [
        "limits.packs.2: unknown rule pack 'suthern'; did you mean 'southern'?"
    ]
    for packs, index in ((["southern-ramp"], 0), (["own.yaml", "southern-ramp"], 1)):
        (line,) = problems(scenario(tmp_path, {"packs": packs}))
        assert f"limits.packs.{index}: expected a pack of rules, found the rule 'southern-ramp', which is in" in line


def test_every_shipped_pack_is_known_and_no_rule_is_one():
    entries = catalog.entries("rules")
    for name, entry in entries.items():
        known = unknown_pack(name) is None
        assert known == ("pack" in entry.properties) == (name in pack_names())
        assert all(unknown_pack(alias) is None for alias in entry.aliases)
    assert unknown_pack("choukse_example") is None


def test_check_takes_every_shipped_pack(tmp_path):
    assert problems(scenario(tmp_path, {"packs": [*pack_names(), "choukse_example"]})) == []


def test_ratings_have_the_names_of_the_ratings_that_a_site_has():
    rating = {"id": "x", "measure": "rating", "limit": "100 %"}
    with pytest.raises(ValueError, match="found 'nonsense'"):
        Rule.model_validate(rating | {"ratings": ["nonsense"]})
    with pytest.raises(ValueError, match="found 'batery_power'; did you mean 'battery_power'"):
        Rule.model_validate(rating | {"ratings": ["batery_power"]})
    assert Rule.model_validate(rating | {"ratings": ["cooling", "mv_transformer"]}).ratings == (
        "cooling", "mv_transformer",
    )  # fmt: skip
    study = Path(clustersim.__file__).parent / "study"
    written = set(re.findall(r'Rating\(\s*"(\w+)"', "".join(path.read_text() for path in study.rglob("*.py"))))
    assert written == set(RATINGS)


def test_check_and_assess_take_a_pack_file(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(PACK)
    assert problems(path) == []
    assert [rule.id for rule in load_rules(("southern", str(path)))] == [
        "southern-ramp", "contract-ramp", "contract-dips",
    ]  # fmt: skip
    (tmp_path / "section.yaml").write_text("packs: [southern, own.yaml]\nskip: [contract-dips]\n")
    assert [rule.id for rule in load_rules((str(tmp_path / "section.yaml"),))] == ["southern-ramp", "contract-ramp"]
    path.write_text(PACK.replace("lag: 10 s", "lag: "))
    assert problems(path) == [f"{path}: rules.contract-ramp: lag: ramp needs one, found none"]
    with pytest.raises(InputError, match="lag: ramp needs one"):
        load_rules((str(path),))
    path.write_text("a: &x [1]\nrules: {b: *x}\n")
    assert "aliases are not supported" in problems(path)[0]
