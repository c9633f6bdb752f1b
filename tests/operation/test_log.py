"""The record of a job: what a roll-back marks, against a search of all rows."""

from hypothesis import given
from hypothesis import strategies as st

from clustersim.operation.log import JobLog


def rolled_back(log, step, cause):
    """Mark training beyond `step` row by row from the end; the slow twin."""
    for index in range(len(log.rows) - 1, -1, -1):
        row = log.rows[index]
        if row.state != "train":
            continue
        if row.end_step <= step:
            return
        if row.begin_step >= step:
            row.state, row.lost_to = "lost", cause
            continue
        middle = row.start_s + (step - row.begin_step) / (row.end_step - row.begin_step) * (row.end_s - row.start_s)
        log.enter(middle, "lost", row.cause, step, row.speed)
        rest = log.rows.pop()
        rest.end_s, rest.end_step, rest.lost_to = row.end_s, row.end_step, cause
        log.rows.insert(index + 1, rest)
        row.end_s, row.end_step = middle, step
        return


def seen(log):
    return [(r.start_s, r.end_s, r.state, r.begin_step, r.end_step, r.lost_to) for r in log.rows]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), max_size=40))
def test_a_roll_back_marks_what_a_search_of_all_rows_marks(moves):
    fast, slow = JobLog(8), JobLog(8)
    now, step = 0.0, 0.0
    for steps, back in moves:
        for log in (fast, slow):
            # without a step the row has no duration, and is forgotten
            log.enter(now, "train", "none", step)
            log.close(now + steps, step + steps)
        now, step = now + steps, step + steps
        target = max(0.0, step - 1.5 * back)
        fast.roll_back(target, "gpu")
        rolled_back(slow, target, "gpu")
        for log in (fast, slow):
            log.enter(now, "detect", "gpu", target)
            log.close(now + 1.0, target)
        now, step = now + 1.0, target
        assert seen(fast) == seen(slow)
    assert all(row.state != "train" or row.end_step <= step for row in fast.rows)
