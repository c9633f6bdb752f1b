"""Sweep: many points of a design, and what moves its answers."""

from __future__ import annotations

from dashboard import address, bar, show, sweep_define, sweep_explore, sweep_launch, sweep_study

PAGE = {"section": "Studies", "place": 2, "title": "Sweep", "icon": "scatter_plot"}

VIEWS = ("Define", "Explore")

show.title("Sweep", "Many points of a design, and what moves its answers.")
bar.head()
sweep_study.begin()
view = address.segments("Part", VIEWS, "sweep-view")
writing = sweep_launch.progress()
if view == "Define":
    sweep_define.define()
    sweep_study.to_address()
    sweep_launch.checked()
else:
    sweep_study.to_address()
    sweep_explore.chosen_store(writing)
