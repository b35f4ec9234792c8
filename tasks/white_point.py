"""WhitePoint: the background of a colour animal."""

from __future__ import annotations

from brainstack.alignment_results import read_background as read_background
from brainstack.approval import in_force
from brainstack.files.whole import write_json
from brainstack.images.colour import white_point
from brainstack.intake import record
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.base import ChannelTask
from tasks.histogram import counts_of_channel


class WhitePoint(ChannelTask):
    """The colour of the glass of all sections (bright field): the background of every image that follows."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        counts = counts_of_channel(plan, step, "glass")

        white = white_point(counts, plan.settings.white_point)

        content = in_force(plan, f"white_point_C{step.channel}", {"white": list(white)})
        write_json(plan.folder.small(f"white_point_C{step.channel}"), content)
        is_approved = f"white_point_C{step.channel}" in plan.approved
        record(plan.folder, "gain", {"channel": step.channel, "white": content["white"], "approved": is_approved})
        return {"": digest(content["white"])}
