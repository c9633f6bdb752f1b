"""Base of input records: the words below their fields."""

import re

from clustersim.plant.spec import RideThroughSpec
from clustersim.spec import Spec, docstrings


class Parent(Spec):
    """A record.

    whole : not a field
    """

    first: float = 1.0
    """Said of
    the parent. [W]"""
    silent: int = 0
    second: str = ""
    """Said again by the child."""


class Child(Parent):
    """A record with more."""

    second: str = "a"
    """Of the child."""
    third: bool = False
    "Last."


def test_words_are_those_of_the_record_and_its_parents():
    assert docstrings(Parent) == {"first": "Said of\nthe parent. [W]", "second": "Said again by the child."}
    assert docstrings(Child) == docstrings(Parent) | {"second": "Of the child.", "third": "Last."}
    assert docstrings(Spec) == {}


def test_records_of_the_package_have_words_for_their_fields():
    words = docstrings(RideThroughSpec)
    assert set(words) <= set(RideThroughSpec.model_fields)
    assert len(words) > len(RideThroughSpec.model_fields) / 2
    assert all(re.match("[A-Z]", one) for one in words.values())
