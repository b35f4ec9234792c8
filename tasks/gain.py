"""Gain: one number for an animal and channel."""

from __future__ import annotations

from brainstack.approval import in_force
from brainstack.files.whole import write_json
from brainstack.images.histograms import gain_for
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.base import ChannelTask
from tasks.histogram import counts_of_channel


class Gain(ChannelTask):
    """The factor that brings a channel's bright tissue to the target, the same for all its sections."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        counts = counts_of_channel(plan, step)

        gain = gain_for(counts, plan.settings.gain)

        content = in_force(plan, f"gain_C{step.channel}", {"gain": gain})
        write_json(plan.folder.small(f"gain_C{step.channel}"), content)
        return {"": digest(content["gain"])}
