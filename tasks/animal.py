"""Animal: everything of one animal."""

from __future__ import annotations

import luigi

from brainstack.disk_space import check_room
from brainstack.stamps import Step
from tasks import current
from tasks.base import FULL, AnimalTask, resolution_parameter, say_what_is_missing, wait_for

LAST_STAGES = (
    "UpdateTifs",
    "Preps",
    "Normalized",
    "MaskAreas",
    "HistogramPicture",
    "ChannelHistogram",
    "AlignmentPictures",
    "Web",
    "Downsampling",
    "Shell",
    "NeuroglancerMesh",
    "PointVolume",
)
"""Stages that nothing follows, at least for some sections; all others are made for their sake."""


class Animal(AnimalTask):
    """All stages of an animal: from its slide scans to volumes for Neuroglancer. With --resolution full, the volumes at
    the scans' resolution as well."""

    resolution = resolution_parameter()

    @property
    def is_waiting(self) -> bool:
        return True

    def steps(self) -> tuple[Step, ...]:
        steps = tuple(step for stage in ("Meta", *LAST_STAGES) for step in self.plan.steps(stage))
        return steps + (self.plan.asked("FullDownsampling") if self.resolution == FULL else ())

    def announcement(self) -> str:
        return check_room(current.progress(self.animal), ("FullDownsampling",)) if self.resolution == FULL else ""

    def requires(self) -> list[luigi.Task]:
        return wait_for(self.plan, self.steps())

    def run(self) -> None:
        say_what_is_missing(self.plan, self.steps())
