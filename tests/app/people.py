"""People who use the dashboard at the same time, each in a tab that shares nothing with others."""

from __future__ import annotations

import time

RUNS_S = 120.0
"""In which the runs of all are done, others' work on the machine beside them."""


def address_of(link, change):
    """Return the address of a run with a change, or without one."""
    return {"link": link} | ({} if change is None else {"set": change})


def afternoon(visitor, query, titles, assess=False, again=False):
    """Come, have something run, look at pages and go; yields between two steps, so that others have their turn."""
    page = visitor.page
    visitor.open(**query)
    yield
    done = page.get_by_role("button", name="Run again")
    end = time.monotonic() + RUNS_S
    while not done.is_visible():
        assert time.monotonic() < end, page.get_by_test_id("stMain").inner_text()[:1000]
        page.wait_for_timeout(100)
        yield
    visitor.still()
    if again:
        done.click()
        yield
        end = time.monotonic() + RUNS_S
        while not done.is_enabled():
            assert time.monotonic() < end, page.get_by_test_id("stMain").inner_text()[:1000]
            page.wait_for_timeout(100)
            yield
    for title in titles:
        if visitor.look == "phone":
            visitor.open(title.lower().replace("overview", ""), **query)
        else:
            visitor.go(title)
        yield
        if title == "Power":
            for name in ("1 min", "100 ms", "Back"):
                page.get_by_role("button", name=name, exact=True).click()
                visitor.still()
                yield
        if title == "Measured" and assess:
            page.get_by_role("button", name="Try the example").click()
            page.get_by_role("button", name="Assess").click()
            yield
            page.get_by_test_id("stMetric").first.wait_for()
        # nobody's change is anybody else's
        assert visitor.query().get("set") == ([query["set"]] if "set" in query else None)
    visitor.content()


def in_turn(people):
    """Let everybody take a step, then everybody the next one, until all have gone."""
    while people:
        people = [one for one in people if next(one, "gone") != "gone"]
