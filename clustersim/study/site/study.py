"""What everything between the supplies and the meter needs of a study: its scenario and its place."""

from __future__ import annotations

from typing import Protocol

from clustersim.scenario import SiteScenario
from clustersim.study.places.place import Place


class SiteStudy(Protocol):
    """The study of a job's step, or of a measured load."""

    @property
    def scenario(self) -> SiteScenario:
        """Damping at the site, plant, rules and prices."""

    @property
    def place(self) -> Place:
        """Sites with their equipment."""
