"""Streams and draws of a scenario: their numbers stay, so that a seed keeps its results."""

from types import SimpleNamespace

import numpy as np
import pytest

from clustersim.study.random_streams import STREAMS, Draw, random_stream, window_draw

SCENARIO = SimpleNamespace(seed=3)


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_the_spawned_one_of_its_number(name):
    spawned = np.random.SeedSequence(SCENARIO.seed).spawn(5)[STREAMS[name]]
    assert random_stream(SCENARIO, name).generate_state(4).tolist() == spawned.generate_state(4).tolist()


def test_no_two_streams_or_draws_are_the_same():
    states = [random_stream(SCENARIO, name).generate_state(2) for name in STREAMS]
    states += [window_draw(SCENARIO, draw).integers(2**32, size=2) for draw in [*Draw, Draw.SITES + 1]]
    assert len({tuple(state.tolist()) for state in states}) == len(STREAMS) + len(Draw) + 1


def test_the_draws_of_the_sites_are_the_last():
    assert max(Draw) == Draw.SITES
