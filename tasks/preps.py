"""Preps: the sections in their order, as links to the TIFFs."""

from __future__ import annotations

from brainstack.links import link_all
from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks.base import AnimalTask


class Preps(AnimalTask):
    """Makes the numbered names (preps/CH1/full/000.tif ...) in the section order that the database says."""

    def make(self, plan: Plan, step: Step) -> None:
        link_all(plan)
