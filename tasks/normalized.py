"""Normalized: 8-bit pictures with even contrast."""

from __future__ import annotations

from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.images.normalizing import normalize
from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks.base import SectionChannelTask


class Normalized(SectionChannelTask):
    """Thumbnail to 8 bit, with CLAHE: for eyes, and to paint masks on."""

    def make(self, plan: Plan, step: Step) -> None:
        thumbnail = read_tiff(plan.folder.tif_thumbnail(plan.section[step.item].tif_name(step.channel)))

        normalized = normalize(thumbnail, plan.settings.normalized)

        write_tiff(plan.folder.keyed("normalized", step.item, step.channel), normalized, plan.pixel_size_um)
