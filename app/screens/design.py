"""Design: the place and the job: what is there, and what you change."""

from __future__ import annotations

import streamlit as st

from dashboard import design_bar, design_place, design_sections, design_text, show

PAGE = {"section": "Plan", "place": 2, "title": "Design", "icon": "account_tree"}

show.title("Design", "The place and the job: what is there, and what you change.")
design_bar.head()
design_bar.refusal()
found, why = design_place.drawn()
with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
    design_bar.place_select()
    design_bar.undo_button()
    if found is not None:
        design_place.files(found)
design_bar.changes()
design_bar.check()
if why:
    st.error(show.plain(why), icon=":material/error:")
section = design_sections.chosen_section()
if section == "text":
    design_text.editor()
else:
    with st.container(border=True):
        by_site = design_sections.SECTIONS[section].by_site
        site = design_sections.chosen_site() if by_site else ""
        design_sections.editor(section, site)
if found is not None:
    design_place.headline(found)
    design_place.pictures(found, section)
    if section in ("fabric", "fibre"):
        design_place.survey(found)
