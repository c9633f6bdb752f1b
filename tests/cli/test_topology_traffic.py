"""``clustersim topology`` with traffic and collectives."""

import json

import pytest
from typer.testing import CliRunner

from clustersim.cli import app

RUN = CliRunner()


def topology(*arguments):
    return RUN.invoke(app, ["topology", *arguments])


def test_traffic_says_what_each_exchange_gets_and_what_holds_it_back():
    found = topology("deepseek_v3", "--traffic", "ring:16:128", "--traffic", "all_to_all:64", "--policy", "spread")
    assert found.exit_code == 0
    assert "paths spread" in found.stdout
    assert "host-leaf" in found.stdout


def test_traffic_and_collectives_are_in_the_json():
    found = topology(
        "deepseek_v3",
        "--traffic",
        "incast:8:8",
        "--collective",
        "all_reduce:64",
        "--collective",
        "all_to_all:64",
        "--json",
    )
    data = json.loads(found.stdout)
    assert [one["policy"] for one in data["traffic"]] == ["ecmp", "spread"]
    assert data["traffic"][1]["patterns"][0]["alone_slowest_gb_per_s"] == pytest.approx(0.9775 * 50 / 7, rel=0.05)
    assert [one["collective"] for one in data["collectives"]] == ["all_reduce:64", "all_to_all:64"]
    times = [row["time_ms"] for row in data["collectives"][0]["sizes"]]
    assert times == sorted(times)
    assert data["accelerators"] == 2048


def test_traffic_goes_round_what_is_lost():
    whole, less = (
        json.loads(
            topology("meta_24k", "--traffic", "ring:2:3072@0-6143", "--policy", "spread", "--json", *lost).stdout
        )
        for lost in ([], ["--without", "spine0", "--without", "spine1"])
    )
    paces = [data["traffic"][0]["patterns"][0]["alone_slowest_gb_per_s"] for data in (whole, less)]
    assert paces[1] == pytest.approx(paces[0] * 16 / 18, rel=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--traffic", "rign:8"), "did you mean 'ring'"),
        (("--collective", "all_reduce:x"), "KIND:MEMBERS"),
        (("--traffic", "ring:8", "--policy", "sprayed"), "policy"),
        (("--traffic", "ring:8", "--without", "spin0"), "no 'spin0' at site"),
    ],
)
def test_wrong_questions_exit_2(arguments, message):
    found = topology("deepseek_v3", *arguments)
    assert found.exit_code == 2
    assert message in found.output
    assert found.stdout == "" or message in found.stdout
