"""Downsampling: the smaller levels of a volume."""

from __future__ import annotations

from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks.base import ChannelTask, resolution_parameter
from tasks.volumes import Volume, finish, join


class Downsampling(ChannelTask):
    """Makes the levels that do not fit into blocks, from the last that does. With --resolution full: of the volume at
    the scan's resolution."""

    full_stage = "FullDownsampling"
    resolution = resolution_parameter()

    def make(self, plan: Plan, step: Step) -> None:
        volume = Volume(plan, step.channel, full=False)
        pieces = [one.step.item for one in plan.inputs(step) if one.step.stage == "NeuroglancerImage"]
        join(volume, range(volume.layout.groups), pieces)
        finish(volume)
