"""AlignmentPictures: the alignment drawn, for people to look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from brainstack.alignment_results import read_canvas, read_matrices
from brainstack.files.alignment_metrics import read_alignment_metrics
from brainstack.files.tiff import read_tiff
from brainstack.files.whole import whole_file
from brainstack.images.alignment_plots import pairs_figure, png, shifts_figure, similarity_figure
from brainstack.images.colour import inverted_luminance
from brainstack.images.stack_views import SLAB_SHARE, Slab, StackViews, slab_of, stack_views, views_figure
from brainstack.plan import Plan
from brainstack.stamps import Step
from tasks.base import AnimalTask
from tasks.white_point import read_background


class AlignmentPictures(AnimalTask):
    """Draws where each section lay, how well the pairs fit, and the stack from the side and from above, before and
    after."""

    def make(self, plan: Plan, step: Step) -> None:
        sections, pairs = read_alignment_metrics(plan.folder.alignment_metrics)
        numbers = {key: section.number for key, section in plan.section.items()}
        before = stack_views(_slabs(plan, step, "Clean"), read_canvas(plan), len(plan.sections))
        after = _after(plan, step)

        name = plan.folder.prep_id
        thickness_um = plan.records.histology.section_thickness_um
        middle = numbers[plan.chain[plan.anchor]]
        lay = f"{name}: how each section lay before alignment, against section {middle}, the middle one"
        off = f"{name}: how far each pair, as it was registered, is off the alignment"
        figures = {
            "shifts": shifts_figure(sections, numbers, lay),
            "similarity": similarity_figure(
                sections, pairs, numbers, f"{name}: how well each section fits on the next"
            ),
            "pairs": pairs_figure(sections, pairs, numbers, off),
            "views": views_figure(
                before,
                after,
                pixel_size_um=plan.pixel_size_um,
                thickness_um=thickness_um,
                title=f"{name}, channel {plan.settings.elastix.channel}: middle {SLAB_SHARE:.0%} of the canvas",
            ),
        }

        for picture, figure in figures.items():
            with whole_file(plan.folder.alignment_picture(picture)) as part:
                part.write_bytes(png(figure))


KINDS = {"Clean": "thumbnail_cleaned", "Alignment": "thumbnail_aligned"}
"""Stage -> the images that it makes."""


def _after(plan: Plan, step: Step) -> StackViews:
    rows, columns = read_matrices(plan)["canvas"]
    return stack_views(_slabs(plan, step, "Alignment"), (rows, columns), len(plan.sections))


def _slabs(plan: Plan, step: Step, stage: str) -> Iterator[tuple[int, Slab]]:
    """Of all sections that could be had, one after another: together they would fill the memory."""
    for one in plan.inputs(step):
        if one.step.stage == stage:
            image = read_tiff(plan.folder.keyed(KINDS[stage], one.step.item, one.step.channel))
            yield plan.section[one.step.item].number, slab_of(_as_if_it_shone(plan, image))


def _as_if_it_shone(plan: Plan, image: NDArray[Any]) -> NDArray[Any]:
    """A section in grey as it is; one in colour by how much darker than the glass it is, as pairs are compared."""
    channel = plan.settings.elastix.channel
    return inverted_luminance(image, read_background(plan, channel)) if plan.is_colour else image
