from clustersim.study.compare import input_differences
from clustersim.study.compare.differences import shortened


def differences(make, first, second):
    table = input_differences([make("a", scenario=first), make("b", scenario=second)])
    return table.set_index("key")


def test_values_stand_as_the_files_write_them_by_section(make):
    found = differences(
        make,
        {"job": {"model": "x"}, "topology": {"site": {"s": {"halls": 4}}, "fabric": {"radix": 64}}},
        {"job": {"model": "y"}, "topology": {"site": {"s": {"halls": 8}}, "fabric": {"radix": 64}}},
    )
    assert list(found.index) == ["job.model", "topology.site.s.halls"]
    assert list(found["group"]) == ["job", "topology.site"]
    assert list(found.loc["topology.site.s.halls", ["a", "b"]]) == ["4", "8"]


def test_names_provenance_and_expectations_are_left_out(make):
    found = differences(
        make,
        {"provenance": {"job.model": {"source": "one"}}, "expect": [{"key": "mfu"}], "limits": {"source": "x"}},
        {"provenance": {"job.model": {"source": "two"}}, "expect": [], "limits": {"source": "y"}},
    )
    assert found.empty


def test_a_part_that_one_design_lacks_is_one_row(make):
    site = {"location": {"lat": 1, "lon": 2}, "fleet": [{"accelerator": "H100", "count": 8}]}
    found = differences(
        make, {"topology": {"site": {"s": site}}}, {"topology": {"site": {"s": site, "t": site, "u": None}}}
    )
    assert list(found.index) == ["topology.site.t"]
    assert list(found.loc["topology.site.t", ["a", "b"]]) == ["-", "4 values"]


def test_lists_of_equal_length_are_compared_item_by_item_others_as_a_whole(make):
    one = {"damping": [{"kind": "site_battery", "time_constant": "20 s"}]}
    other = {"damping": [{"kind": "site_battery", "time_constant": "30 s"}]}
    assert list(differences(make, one, other).index) == ["damping.0.time_constant"]
    row = differences(make, one, {"damping": []}).loc["damping"]
    assert (row["a"], row["b"]) == ("site_battery time_constant 20 s", "none")


def test_long_lists_are_shortened_with_their_count():
    assert shortened([1, 2, 3, 4, 5]) == "1, 2, 3, ... (5 in all)"
    assert shortened([1, 2]) == "1, 2"
    assert shortened({"kind": "chillers", "count": 3}) == "chillers, 2 values"
    assert (shortened(None), shortened(True), shortened("2 MW")) == ("-", "true", "2 MW")
