"""Web: aligned sections as pictures that a browser shows."""

from __future__ import annotations

from brainstack.files.pictures import write_png
from brainstack.files.tiff import read_tiff
from brainstack.images.normalizing import to_8_bit
from brainstack.plan import Plan
from brainstack.stamps import Step
from brainstack.viewing import web_range
from tasks.base import SectionTask


class Web(SectionTask):
    """8-bit PNG of one channel, white where the gain puts bright tissue or a person said, colours as scanned: sections
    compare."""

    def make(self, plan: Plan, step: Step) -> None:
        channel = plan.settings.web.channel
        aligned = read_tiff(plan.folder.keyed("thumbnail_aligned", step.item, channel))

        black, white = web_range(plan)
        picture = aligned if plan.is_colour else to_8_bit(aligned, white, black)

        write_png(plan.folder.keyed("web", step.item, channel, ".png"), picture)
