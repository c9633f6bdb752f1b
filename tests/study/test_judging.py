"""What a study asks of the plant in each window."""

import math

from clustersim.operation import EVENT_AT_S
from clustersim.study import judging
from clustersim.study.it_power import STARTS
from clustersim.study.run import run


def test_windows_in_training_run_in_on_what_stands_before_their_event(scenario, monkeypatch):
    asked, simulate = {}, judging.simulate_plant

    def simulate_and_note(*given, **options):
        asked[given[2]] = options["runs_in"], options["event_s"]
        return simulate(*given, **options)

    monkeypatch.setattr(judging, "simulate_plant", simulate_and_note)
    run(scenario())
    assert asked.pop("steady") == (True, math.inf)
    assert {window for window, (runs_in, _) in asked.items() if not runs_in} == set(asked) & set(STARTS)
    assert {event_s for _, event_s in asked.values()} == {EVENT_AT_S}
    assert any(runs_in for runs_in, _ in asked.values())
