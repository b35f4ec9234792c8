"""Transforms: from pairs of neighbours to one transform for each section."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from brainstack.approval import check_still_fits
from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff
from brainstack.files.transforms import SectionTransform, write_transforms
from brainstack.files.whole import write_json
from brainstack.geometry import Matrix, compose_from, inverse, rigid, shift
from brainstack.images.alignment import aligned_canvas, beyond_px
from brainstack.images.cleaning import cleaning_matrix
from brainstack.intake import record
from brainstack.plan import Plan
from brainstack.records import PairTransform
from brainstack.stamps import Step, digest
from tasks.base import AnimalTask
from tasks.clean import read_canvas, read_cleaned_mask

Pairs = Sequence[Matrix | None]


class Transforms(AnimalTask):
    """Composes the pairs' transforms to the middle section, and finds the canvas that holds all aligned sections."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        cleaned = read_canvas(plan)
        pairs = [_read_pair(plan, pair, cleaned) for pair in plan.pairs]
        placements = {key: _placement(plan, key, cleaned) for key in plan.chain if key in plan.connected}

        content = _in_force(plan, pairs, placements)
        canvas, matrices = content["canvas"], content["matrices"]

        factor = plan.settings.tifs.thumbnail_factor
        rows = [SectionTransform(plan.section[key], np.array(matrices[key]), factor, canvas) for key in matrices]
        write_transforms(plan.folder.transforms, rows)
        write_json(plan.folder.small("transforms"), content)
        record(plan.folder, "canvas", {"width": canvas[1] * factor, "height": canvas[0] * factor})
        return {key: digest([canvas, matrix, content["outside"].get(key)]) for key, matrix in matrices.items()}


def _in_force(plan: Plan, pairs: Pairs, placements: Mapping[str, Matrix]) -> dict[str, Any]:
    """What is written: the alignment in force and, where that is an approved one, what it would be now."""
    shared = {
        "outside": {},
        "placements": {key: matrix.tolist() for key, matrix in placements.items()},
        "pixel_size_um": plan.pixel_size_um,
    }
    if "transforms" not in plan.approved:
        return _composed(plan, pairs) | shared
    check_still_fits(plan, "transforms")
    try:
        computed = _composed(plan, pairs)
    except BrainstackError as error:  # it is not needed, and said by the status
        computed = {"error": str(error)}
    canvas = plan.approved["transforms"]["canvas"]
    matrices = _kept(plan, pairs, placements)
    lists = {key: matrix.tolist() for key, matrix in matrices.items()}
    outside = {"outside": _outside(plan, matrices, tuple(canvas))}
    return {"canvas": canvas, "matrices": lists} | shared | outside | {"computed": computed}


def _composed(plan: Plan, pairs: Pairs) -> dict[str, Any]:
    """The alignment that follows from the pairs alone: of all sections that they connect with the middle one."""
    composed = {plan.chain[place]: matrix for place, matrix in compose_from({plan.anchor: np.eye(3)}, pairs).items()}
    keys = [key for key in plan.chain if key in composed]
    margin_px = round(plan.settings.canvas.margin_um / plan.pixel_size_um)
    box = aligned_canvas(((key, read_cleaned_mask(plan, key), composed[key]) for key in keys), margin_px)
    matrices = {key: (composed[key] @ shift(box.left, box.top)).tolist() for key in keys}
    return {"canvas": list(box.shape), "matrices": matrices}


def _kept(plan: Plan, pairs: Pairs, placements: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """The approved alignment: sections stay where they were, though a mended mask or another canvas moved their
    cleaned image; a section that is new follows its neighbour."""
    approved = plan.approved["transforms"]
    known = {}
    for place, key in enumerate(plan.chain):
        if key in approved["matrices"]:
            matrix, before = np.array(approved["matrices"][key]), np.array(approved["placements"][key])
            stayed = np.array_equal(before, placements[key])
            known[place] = matrix if stayed else placements[key] @ inverse(before) @ matrix
    placed = compose_from(known or {plan.anchor: np.eye(3)}, pairs)
    return {plan.chain[place]: placed[place] for place in sorted(placed)}


def _outside(plan: Plan, matrices: Mapping[str, Matrix], canvas: tuple[int, int]) -> dict[str, str]:
    """Of each section that does not fit the approved canvas, why."""
    found = {}
    for key, matrix in matrices.items():
        beyond = beyond_px(read_cleaned_mask(plan, key), matrix, canvas)
        if beyond > 0:
            found[key] = (
                f"Its tissue reaches {beyond * plan.pixel_size_um:.0f} um beyond the approved canvas of aligned "
                "sections; mend its mask, or approve the alignment as it is now: "
                f"`brainstack approve {plan.folder.prep_id} alignment`."
            )
    return found


def _placement(plan: Plan, key: str, canvas: tuple[int, int]) -> Matrix:
    """From the pixels of a section's thumbnail to those of its cleaned image."""
    scan_run = plan.records.scan_run
    mask = read_tiff(plan.folder.keyed("thumbnail_masked", key)) > 0
    return cleaning_matrix(mask, scan_run.rotation, scan_run.flip, canvas)


def _read_pair(plan: Plan, pair: Step, canvas: tuple[int, int]) -> Matrix | None:
    """From the fixed section's cleaned image to the moving one's, in pixels; None for a pair that failed."""
    if plan.is_blocked(pair):
        return None
    one = PairTransform(**json.loads(plan.folder.pair(*pair.item.split("..")).read_text()))
    side_um = plan.pixel_size_um
    return rigid(one.rotation_rad, one.shift_x_um / side_um, one.shift_y_um / side_um, canvas)
