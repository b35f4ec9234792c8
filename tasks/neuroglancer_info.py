"""NeuroglancerInfo: how a channel's volume is laid out."""

from __future__ import annotations

from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks.base import ChannelTask
from tasks.volumes import Volume, prepare


class NeuroglancerInfo(ChannelTask):
    """Lays out the volume of a channel's thumbnails, and makes room for it."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        return prepare(Volume(plan, step.channel, full=False))
