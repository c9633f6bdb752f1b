"""Power: what its power looks like, from a year to a millisecond, from a meter to an accelerator."""

from __future__ import annotations

from dashboard import bar, power_look, power_records, show

PAGE = {"section": "Answers", "place": 2, "title": "Power", "icon": "electric_bolt"}

show.title("Power", "What its power looks like, from a year to a millisecond, from a meter to an accelerator.")
result = bar.result()
if result is not None:
    job = [("it_computing_mw", "IT, computing"), ("it_bubble_mw", "Bubble takes off")]
    show.metrics(
        result.summary,
        [
            *([] if result.measured else job),
            ("it_mean_mw", "IT, mean"),
            ("mean_mw", "Meter, mean"),
            ("peak_mw", "Meter, peak"),
            ("swing_mw", "Meter, swing"),
            ("max_ramp_up_mw_per_s", "Rise in 1 s"),
            ("max_ramp_down_mw_per_s", "Fall in 1 s"),
        ],
        result.reasons,
    )
    power_records.take_made()
    power_look.look(result)
