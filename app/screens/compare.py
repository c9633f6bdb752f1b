"""Compare: two to six designs side by side."""

from __future__ import annotations

import streamlit as st

from clustersim.errors import InputError
from dashboard import bar, compare_designs, compare_files, compare_pick, compare_views, show

PAGE = {"section": "Studies", "place": 1, "title": "Compare", "icon": "balance"}

show.title("Compare", "Two to six designs side by side: what differs, which is better, and where it comes from.")
bar.head()
entries = compare_pick.pick()
there = compare_pick.stored(entries)
folders = tuple(entry.folder for entry in there)
if len(entries) < 2:
    show.empty(
        "Choose a second design.",
        "Any preset will do; or keep this version, change the scenario on another page, and come back.",
    )
elif len(there) < 2 and any(entry.problem for entry in entries):
    show.empty("Nothing to compare yet.", "Mend what is named above, or take that design out.")
elif len(there) < 2:
    show.skeleton()
else:
    if len(there) < len(entries):
        st.info(
            f"Shown are the {len(there)} of {len(entries)} designs that have a result.", icon=":material/hourglass:"
        )
    try:
        found = compare_files.compared(folders, compare_designs.names_of(there))
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
    else:
        compare_files.button(found, folders)
        compare_pick.legend(there, found.names)
        compare_views.shown(found)
