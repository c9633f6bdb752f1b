"""Overview: which design this is, what it answers, and whether it works."""

from __future__ import annotations

from dashboard import bar, show

show.title("Overview", "Which design this is, what it answers, and whether it works.")
result = bar.result()
if result is not None:
    show.metrics(
        result.summary,
        [
            ("tokens_per_s", "Tokens a second"),
            ("mfu", "MFU"),
            ("goodput", "Goodput"),
            ("mean_mw", "Meter, mean"),
            ("swing_mw", "Swing"),
            ("rules_failed", "Rules broken"),
        ],
        result.reasons,
    )
