"""Edits of drafts: as small as they can be said, and nothing is lost."""

from __future__ import annotations

import copy

import pytest

from clustersim.errors import InputError
from clustersim.scenario import Draft, cleared, load_any, located, placed, put, resolved, rewritten, value_at

BASE = Draft("colossus_200k")


def test_a_value_that_is_there_already_is_no_setting():
    path = "topology.cooling.memphis.count"
    changed = put(BASE, path, 91)
    assert dict(changed.settings) == {path: 91}
    assert put(changed, path, 90).settings == {}


def test_a_whole_list_takes_the_place_of_settings_inside_it():
    inside = put(BASE, "damping.0.time_constant", "30 s")
    whole = put(inside, "damping", [])
    assert dict(whole.settings) == {"damping": []}
    again = put(whole, "damping", BASE.written()["damping"])
    assert again.settings == {}


def test_cleared_leaves_nothing_where_nothing_was():
    assert cleared(put(BASE, "job.data_stall", "1 ms"), "job.data_stall", "0 s").settings == {}
    assert dict(cleared(BASE, "job.precision", "bf16").settings) == {}
    assert dict(cleared(BASE, "job.critical_batch_tokens", None).settings) == {"job.critical_batch_tokens": None}


def test_another_place_drops_what_was_changed_of_the_place_before():
    moved = placed(put(put(BASE, "seed", 2), "topology.cooling.memphis.count", 91), "colossus_2")
    assert dict(moved.settings) == {"topology": "colossus_2", "seed": 2}
    assert dict(placed(moved, "colossus_memphis").settings) == {"seed": 2}
    with pytest.raises(InputError, match="did you mean 'colossus_2'"):
        placed(BASE, "colossus_3")


def test_a_tree_moves_with_its_place_or_keeps_it_as_a_setting_where_that_is_wrong():
    own = Draft("mine", resolved(load_any(located("colossus_200k", "scenarios"))))
    moved = placed(own, "abilene")
    assert moved.tree["topology"]["name"] == "abilene"
    moved.scenario()
    wrong = placed(own, "deepseek_v3")
    assert wrong.settings["topology"]["name"] == "deepseek_v3"
    with pytest.raises(InputError, match="site_battery needs a battery"):
        wrong.scenario()
    # such a draft still has an address
    assert wrong.query()["link"]


def test_a_rewritten_text_says_the_same_whatever_way_it_is_kept():
    tree = copy.deepcopy(BASE.written())
    tree["topology"]["cooling"]["memphis"]["count"] = 91
    tree["damping"].append({"kind": "power_cap", "limit": "90 %"})
    small = rewritten(BASE, tree)
    assert set(small.settings) == {"topology.cooling.memphis.count", "damping"}
    assert small.written() == tree
    del tree["economics"]
    whole = rewritten(BASE, tree)
    assert whole.tree is not None
    assert value_at(whole.tree, "topology.cooling.memphis.count") == 91
    tree["job"]["model"] = "no-such-model"
    with pytest.raises(InputError, match="unknown name 'no-such-model'"):
        rewritten(BASE, tree)


def test_a_wrong_value_in_a_text_stays_a_setting_that_can_be_taken_back():
    tree = copy.deepcopy(BASE.written())
    tree["job"]["sequence_length"] = "many"
    wrong = rewritten(BASE, tree)
    assert dict(wrong.settings) == {"job.sequence_length": "many"}
    with pytest.raises(InputError, match="valid integer"):
        wrong.scenario()
