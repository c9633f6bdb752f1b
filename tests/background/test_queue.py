"""Requests in processes of their own: real processes, the cheapest verb."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest

from clustersim.background.queue import MOST_WAITING, OWN, Queue
from clustersim.background.records import Request, State
from clustersim.background.serve import MOST_SERVED
from clustersim.errors import InputError

WRONG = {"name": "gpt4_20k", "tree": None, "settings": {"sed": 1}, "out": "nowhere"}


def slow(number):
    """A request that takes seconds: a size of a shipped scenario."""
    return Request("run", WRONG | {"settings": {"seed": number}, "out": os.devnull + "-nowhere"}, "slow")


@pytest.fixture(scope="module")
def queue():
    found = Queue(1)
    yield found
    found.close()


def until(queue, ticket, *states, seconds=60.0):
    """Wait until a ticket has one of the states; over where none is named."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = queue.ticket(ticket.id)
        if found.state in states or (not states and found.state.over):
            return found
        time.sleep(0.02)
    raise AssertionError(f"still {found.state}: {found.part}")


def test_wrong_input_comes_back_as_the_command_line_says_it(queue):
    ended = until(queue, queue.submit(Request("run", WRONG), "anna"))
    assert ended.state is State.FAILED
    assert ended.input_error
    assert "sed: unknown key; did you mean 'seed'?" in ended.error


def test_who_asks_the_same_watches_the_same_and_only_the_last_to_leave_cancels(queue):
    first, second = queue.submit(slow(1), "anna"), queue.submit(slow(1), "berta")
    assert first.id == second.id
    until(queue, first, State.RUNNING)
    queue.cancel(first.id, "anna")
    assert queue.ticket(first.id).state is State.RUNNING
    queue.cancel(first.id, "berta")
    assert queue.ticket(first.id).state is State.CANCELLED


def test_a_killed_process_is_told_and_replaced(queue):
    ticket = queue.submit(slow(2), "anna")
    until(queue, ticket, State.RUNNING)
    os.killpg(next(one for one in queue._workers if one.serving).process.pid, signal.SIGKILL)
    ended = until(queue, ticket)
    assert ended.state is State.FAILED
    assert "killed" in ended.error
    assert until(queue, queue.submit(Request("run", WRONG | {"settings": {"sede": 1}}), "anna")).input_error


def test_people_go_before_preparation_and_in_their_order(queue):
    busy = queue.submit(slow(3), "anna")
    until(queue, busy, State.RUNNING)
    own = queue.submit(slow(4), OWN)
    first, second = queue.submit(slow(5), "anna"), queue.submit(slow(6), "berta")
    assert [queue.ticket(one.id).ahead for one in (first, second, own)] == [0, 1, 2]
    for who in ("anna", "berta", OWN):
        queue.forget(who)
    assert all(queue.ticket(one.id).state is State.CANCELLED for one in (busy, own, first, second))


def test_nobody_may_fill_the_queue(queue):
    busy = queue.submit(slow(7), "anna")
    until(queue, busy, State.RUNNING)
    for number in range(MOST_WAITING):
        queue.submit(slow(10 + number), "carla")
    with pytest.raises(InputError, match=f"at most {MOST_WAITING}"):
        queue.submit(slow(99), "carla")
    queue.forget("carla")
    queue.forget("anna")


def test_many_threads_may_ask_at_once(queue):
    requests = [Request("run", WRONG | {"settings": {f"key_{number}": 1}}) for number in range(6)]
    tickets = []
    threads = [
        threading.Thread(target=lambda one=one, who=f"user {at}": tickets.append(queue.submit(one, who)))
        for at, one in enumerate(requests * 3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {until(queue, ticket).state for ticket in tickets} == {State.FAILED}
    assert len({ticket.id for ticket in tickets}) == len(requests)


def test_no_request_is_given_to_a_process_that_leaves(queue):
    requests = [Request("run", WRONG | {"settings": {f"key_{number}": 1}}) for number in range(MOST_SERVED + 2)]
    tickets = [queue.submit(request, f"user {at}") for at, request in enumerate(requests)]
    assert {until(queue, ticket).input_error for ticket in tickets} == {True}


def test_processes_end_with_the_queue():
    found = Queue(1)
    found.warm()
    ticket = found.submit(slow(8), "anna")
    until(found, ticket, State.RUNNING)
    process = found._workers[0].process
    found.close()
    assert process.poll() is not None
    found.close()
