"""Downsampling: the smaller levels of a volume."""

from __future__ import annotations

from brainstack.files.precomputed import downsample_volume
from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks.base import ChannelTask


class Downsampling(ChannelTask):
    """Adds the levels above the first, each half as wide and high."""

    def make(self, plan: Plan, step: Step) -> None:
        downsample_volume(plan.folder.volume(step.channel), mips=plan.settings.downsampling.mips)
