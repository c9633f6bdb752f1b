"""A run in a line of text."""

import base64
import json
import zlib

import pytest

from clustersim.catalog import catalog_digest, recorded_digest
from clustersim.errors import InputError
from clustersim.scenario import (
    link_text,
    load_any,
    load_linked,
    load_scenario,
    page_link,
    read_link,
    resolved,
    run_id,
    shipped,
)
from clustersim.study.run_parts import input_digests

HEAD = "clustersim:run=0123456789ab&version=0.1&catalog=0123456789ab&s="


@pytest.fixture(scope="module")
def scenario(small_scenario):
    return load_scenario(small_scenario)


@pytest.fixture(scope="module")
def text(scenario):
    return link_text(run_id(scenario), resolved(scenario), catalog_digest())


def packed(data: bytes) -> str:
    return HEAD + base64.urlsafe_b64encode(zlib.compress(data, 9)).decode()


def test_a_link_gives_the_same_run(scenario, text):
    link = read_link(text)
    again = load_linked(link, "link")
    assert run_id(again) == run_id(scenario) == link.run_id
    assert resolved(again) == resolved(scenario)
    assert link.differs == ""
    assert set(text.partition("&s=")[2]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_the_digest_follows_from_the_inputs_of_a_result(scenario):
    assert recorded_digest(input_digests(scenario)) == catalog_digest()


def test_overrides_make_another_run(scenario, text):
    other = load_linked(read_link(text), "link", {"seed": 7})
    assert other.seed == 7
    assert run_id(other) != run_id(scenario)
    with pytest.raises(InputError, match="written out"):
        load_linked(read_link(text), "link", {"topology": "abilene"})


def test_another_package_or_a_changed_scenario_is_told(scenario, text):
    with pytest.raises(InputError, match=r"made by clustersim 9\.9"):
        load_linked(read_link(text.replace("&version=", "&version=9.9", 1)), "link")
    with pytest.raises(InputError, match="made with catalog 000000000000"):
        load_linked(read_link(text.replace(catalog_digest(), "0" * 12)), "link")
    changed = link_text(run_id(scenario), {**resolved(scenario), "seed": 2}, catalog_digest())
    with pytest.raises(InputError, match="it was changed"):
        load_linked(read_link(changed), "link")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("clustersim:", "expected clustersim:run=ID"),
        (HEAD + "!!!!", "damaged"),
        (HEAD + "AAAA", "damaged"),
        (packed(b"[1, 2]"), "something else"),
        (packed(b"{not json"), "damaged"),
        (packed(b"\xff\xfe"), "damaged"),
        (packed(b"[" * 100_000), "damaged"),
        (packed(json.dumps({"a": json.loads("[" * 80 + "]" * 80)}).encode()), "something else"),
        (packed(b"{}")[:-3], "damaged"),
        (packed(b"{}") + "AAAA", "damaged"),
        (packed(b"0" * 50_000_000), "at most 4 MB"),
        ("clustersim:" + "x" * 2_000_000, "at most 1,000,000 letters"),
    ],
)
def test_bad_links(bad, message):
    with pytest.raises(InputError, match=message):
        read_link(bad)


def test_a_link_without_a_place_or_a_job_is_refused():
    with pytest.raises(InputError, match="topology: expected a place that is written out"):
        load_linked(read_link(packed(b'{"topology": "../../etc/passwd", "job": {}}')), "link")
    with pytest.raises(InputError, match="job and load"):
        load_linked(read_link(packed(b'{"topology": {}}')), "link")


def test_pages_without_a_link(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<html></html>", encoding="utf-8")
    with pytest.raises(InputError, match="found none"):
        page_link(page)
    page.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="found no text"):
        page_link(page)


def test_a_measured_load_comes_back_whole():
    measured = load_any(shipped("scenarios") / "measured_load_memphis.yaml")
    text = link_text(run_id(measured), resolved(measured), catalog_digest())
    assert resolved(load_linked(read_link(text), "link")) == resolved(measured)
    broken = link_text(run_id(measured), {**resolved(measured), "load": {}}, catalog_digest())
    with pytest.raises(InputError, match=r"load\.record: expected a value, found none"):
        load_linked(read_link(broken), "link")
