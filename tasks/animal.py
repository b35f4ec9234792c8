"""Animal: everything of one animal, at thumbnail resolution."""

from __future__ import annotations

import luigi

from brainstack.stamps import Step
from tasks.base import AnimalTask, say_what_is_missing, wait_for

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
)
"""Stages that nothing follows, at least for some sections; all others are made for their sake."""


class Animal(AnimalTask):
    """All stages of an animal: from its slide scans to volumes for Neuroglancer."""

    @property
    def is_waiting(self) -> bool:
        return True

    def steps(self) -> tuple[Step, ...]:
        return tuple(step for stage in ("Meta", *LAST_STAGES) for step in self.plan.steps(stage))

    def requires(self) -> list[luigi.Task]:
        return wait_for(self.plan, self.steps())

    def run(self) -> None:
        say_what_is_missing(self.plan, self.steps())
