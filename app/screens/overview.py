"""Overview: which design this is, what it answers, and whether it works; and the designs that can be opened."""

from __future__ import annotations

from dashboard import bar, overview_details, overview_gallery, overview_headlines, show

PAGE = {"section": "Plan", "place": 1, "title": "Overview", "icon": "map"}

show.title("Overview", "Which design this is, what it answers, and whether it works.")
result = bar.result()
if result is not None:
    overview_headlines.headlines(result)
    overview_details.details(result)
overview_gallery.gallery(result)
