"""PairFiner: neighbours, refined on finer pictures than the thumbnails."""

from __future__ import annotations

import dataclasses

from brainstack.alignment_results import read_canvas, read_in_force
from brainstack.files.tiff import read_tiff, read_tiff_strips
from brainstack.files.whole import write_json
from brainstack.images.cleaning import cleaning_matrix
from brainstack.images.colour import inverted_luminance
from brainstack.images.finer import FinerSection, finer_section, refine_pair, shrunk
from brainstack.plan import Plan
from brainstack.stamps import Step, digest
from tasks.elastix import PairTask
from tasks.white_point import read_background


class PairFiner(PairTask):
    """Refines each pair of neighbours on pictures of `[elastix] finer_factor`, read from the scans. A registration that
    this makes no better stays as it is."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        found = read_in_force(plan, step.item)
        fixed, moving = (_read_section(plan, key) for key in step.item.split(".."))

        refined = refine_pair(
            found,
            fixed,
            moving,
            zoom=_zoom(plan),
            canvas_shape=read_canvas(plan),
            pixel_size_um=plan.pixel_size_um,
            settings=plan.settings.elastix,
        )

        write_json(plan.folder.pair_finer(step.item), dataclasses.asdict(refined))
        return {"": digest(dataclasses.asdict(refined))}


def _read_section(plan: Plan, key: str) -> FinerSection:
    """From its scan, a strip of tiles at a time."""
    settings, channel = plan.settings, plan.settings.elastix.channel
    strips = read_tiff_strips(plan.folder.tif(plan.section[key].tif_name(channel)), settings.tifs.tile_px)
    picture = shrunk(strips, settings.elastix.finer_factor)
    if plan.is_colour:
        picture = inverted_luminance(picture, read_background(plan, channel))
    mask = read_tiff(plan.folder.keyed("thumbnail_masked", key)) > 0
    return finer_section(
        picture,
        mask,
        to_canvas=cleaning_matrix(mask, *plan.turns(key), read_canvas(plan)),
        zoom=_zoom(plan),
        border_px=round(settings.elastix.border_um / plan.pixel_size_um * _zoom(plan)),
    )


def _zoom(plan: Plan) -> float:
    """Pixels of a finer picture to one of the thumbnail, a side."""
    return plan.settings.tifs.thumbnail_factor / plan.settings.elastix.finer_factor
