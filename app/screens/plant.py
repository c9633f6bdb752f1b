"""Plant: whether grid, batteries, generators and cooling carry that power."""

from __future__ import annotations

import streamlit as st

from dashboard import bar, plant_course, plant_equipment, plant_events, show, state

PAGE = {"section": "Answers", "place": 3, "title": "Plant", "icon": "factory"}

TABS = ("Course", "Generators and battery", "Cooling", "Events")

show.title("Plant", "Whether grid, batteries, generators and cooling carry that power.")
result = bar.result()
course, machines, cooling, events = st.tabs(TABS, key="plant-tab", bind="query-params")
if course.open and result is not None:
    with course:
        plant_course.course(result)
if machines.open and result is not None:
    with machines:
        plant_equipment.machines(result)
if cooling.open and result is not None:
    with cooling:
        plant_equipment.cooling(result)
if events.open and state.scenario() is not None:
    # events are of the draft: they can be put together before anything has run
    with events:
        plant_events.events(result)
