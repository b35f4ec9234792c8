"""Transforms: from pairs of sections to one transform for each section."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from brainstack.alignment_report import reason_of_pair
from brainstack.alignment_results import read_canvas, read_cleaned_mask
from brainstack.approval import check_still_fits
from brainstack.errors import BrainstackError
from brainstack.files.alignment_metrics import write_alignment_metrics
from brainstack.files.transforms import SectionTransform, write_transforms
from brainstack.files.whole import write_json
from brainstack.frames import kept
from brainstack.geometry import Matrix, inverse, rigid_parts, shift
from brainstack.images.alignment import beyond_px
from brainstack.images.alignment_verdicts import Verdict
from brainstack.intake import record
from brainstack.places_now import read_placement
from brainstack.plan import Plan
from brainstack.records import PairTransform, SectionAlignment
from brainstack.stack_placing import PlacedStack, canvas_of, place_stack
from brainstack.stamps import Step, digest
from tasks.base import AnimalTask


class Transforms(AnimalTask):
    """Solves all pairs together to a place for each section, with what people said, judges pairs and sections, and
    finds the canvas that holds all aligned sections."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        cleaned = read_canvas(plan)
        placements = {key: read_placement(plan, key, cleaned) for key in plan.chain}

        found = place_stack(plan)
        content = _in_force(plan, found.placed, placements)
        content["cleaned"] = list(cleaned)
        content["frame"] = {
            "name": found.frame.name,
            "sections": [[key, kept(matrix)] for key, matrix in found.frame.sections.items()],
        }
        content["failed"] = {key: _why_failed(plan, key) for key in plan.chain if key not in content["matrices"]}
        content["symmetry"] = found.off_plane and dataclasses.asdict(found.off_plane)
        sections, judged = _sections(plan, found), _pairs(plan, found)

        canvas, matrices, factor = content["canvas"], content["matrices"], plan.settings.tifs.thumbnail_factor
        rows = [SectionTransform(plan.section[key], np.array(matrices[key]), factor, canvas) for key in matrices]
        write_transforms(plan.folder.transforms, rows)
        numbers = {key: plan.section[key].number for key in plan.chain}
        write_alignment_metrics(plan.folder.alignment_metrics, sections, judged, numbers)
        write_json(plan.folder.small("transforms"), content)
        record(plan.folder, "sections", [dataclasses.asdict(one) for one in sections])
        record(plan.folder, "pairs", [dataclasses.asdict(one) for one in judged])
        record(plan.folder, "canvas", {"width": canvas[1] * factor, "height": canvas[0] * factor})
        values = {key: [canvas, matrix, content["outside"].get(key)] for key, matrix in matrices.items()}
        by_key = {key: digest(values.get(key, content["failed"].get(key))) for key in plan.chain}
        return {"canvas": digest(canvas)} | by_key


# The alignment in force


def _in_force(plan: Plan, placed: Mapping[str, Matrix], placements: Mapping[str, Matrix]) -> dict[str, Any]:
    """What is written: the alignment in force and, where that is an approved one, what it would be now."""
    shared = {
        "outside": {},
        "placements": {key: matrix.tolist() for key, matrix in placements.items()},
        "pixel_size_um": plan.pixel_size_um,
    }
    if "transforms" not in plan.approved:
        return _on_canvas(plan, placed) | shared
    check_still_fits(plan, "transforms")
    try:
        computed = _on_canvas(plan, placed)
    except BrainstackError as error:  # it is not needed, and said by the status
        computed = {"error": str(error)}
    canvas = plan.approved["transforms"]["canvas"]
    matrices = _kept(plan, placed, placements)
    lists = {key: matrix.tolist() for key, matrix in matrices.items()}
    outside = {"outside": _outside(plan, matrices, tuple(canvas))}
    return {"canvas": canvas, "matrices": lists} | shared | outside | {"computed": computed}


def _on_canvas(plan: Plan, placed: Mapping[str, Matrix]) -> dict[str, Any]:
    """The alignment that follows from pairs and people, on the canvas that holds all of it."""
    keys = [key for key in plan.chain if key in placed]
    box = canvas_of(plan, placed)
    matrices = {key: (placed[key] @ shift(box.left, box.top)).tolist() for key in keys}
    return {"canvas": list(box.shape), "matrices": matrices}


def _kept(plan: Plan, placed: Mapping[str, Matrix], placements: Mapping[str, Matrix]) -> dict[str, Matrix]:
    """The approved alignment: sections stay where they were, though a mended mask or another canvas moved their
    cleaned image; a section that is new lies on its nearest approved neighbour as it does now."""
    approved = plan.approved["transforms"]
    found = {}
    for key in plan.chain:
        if key in approved["matrices"]:
            matrix, before = np.array(approved["matrices"][key]), np.array(approved["placements"][key])
            stayed = np.array_equal(before, placements[key])
            found[key] = matrix if stayed else placements[key] @ inverse(before) @ matrix
    known = [key for key in found if key in placed]
    for key in plan.chain:
        if key not in found and key in placed and known:
            near = min(known, key=lambda other: abs(plan.place_in_chain[other] - plan.place_in_chain[key]))
            found[key] = placed[key] @ inverse(placed[near]) @ found[near]
    return {key: found[key] for key in plan.chain if key in found}


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


def _why_failed(plan: Plan, key: str) -> str:
    name = plan.folder.prep_id
    return (
        f"No section within {plan.settings.elastix.reach} of it fits on it, so that it has no place in the stack; look "
        "at it and its neighbours, and mend their masks, mark it as bad, or say where it lies: "
        f"`brainstack align place {name} {plan.section[key].number} --rotation-deg DEGREES --shift-x-um UM "
        "--shift-y-um UM` or "
        f"`brainstack align follow {name} {plan.section[key].number} NEIGHBOUR`."
    )


# Verdicts


def _sections(plan: Plan, found: PlacedStack) -> list[SectionAlignment]:
    return [_section(plan, found, key) for key in plan.chain]


def _section(plan: Plan, found: PlacedStack, key: str) -> SectionAlignment:
    place, matrix, residual_um = plan.place_in_chain[key], found.placed.get(key), found.aligned.residual_um
    own = {places: pair for places, pair in found.stack.pairs.items() if place in places}
    nearest = [pair for places, pair in own.items() if places[1] - places[0] == 1] or list(own.values())
    frame = found.stack.frame
    parts = rigid_parts(np.eye(3) if matrix is None else matrix, frame.shape)
    verdict = _verdict(plan, found, key)
    return SectionAlignment(
        section=key,
        rotation_rad=parts.rotation_rad,
        shift_x_um=parts.shift_x_px * frame.pixel_size_um,
        shift_y_um=parts.shift_y_px * frame.pixel_size_um,
        mirrored=parts.mirrored,
        metric=_median([pair.metric for pair in nearest]),
        metric_before=_median([pair.metric_before for pair in nearest]),
        overlap=_median([pair.overlap for pair in nearest]),
        residual_um=_median([residual_um[places] for places in own]),
        verdict=verdict.word,
        reason=verdict.reason,
        by_hand=key in found.by_hand,
    )


def _verdict(plan: Plan, found: PlacedStack, key: str) -> Verdict:
    if key in found.doubts and key in found.placed:
        return Verdict("doubtful", found.doubts[key])
    if key in found.by_hand:
        return Verdict("good", "a person gave it its place")
    return found.aligned.sections[plan.place_in_chain[key]]


def _median(values: list[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else None


def _pairs(plan: Plan, found: PlacedStack) -> list[PairTransform]:
    residual_um, verdicts = found.aligned.residual_um, found.aligned.pairs
    return [
        PairTransform(
            fixed=plan.chain[places[0]],
            moving=plan.chain[places[1]],
            rotation_rad=pair.rotation_rad,
            shift_x_um=pair.shift_x_um,
            shift_y_um=pair.shift_y_um,
            metric=pair.metric,
            mirrored=pair.mirrored,
            metric_before=pair.metric_before,
            overlap=pair.overlap,
            residual_um=residual if np.isfinite(residual := residual_um[places]) else None,
            verdict=verdicts[places].word,
            reason=reason_of_pair(verdicts[places].reason, pair.engine_error),
        )
        for places, pair in sorted(found.stack.pairs.items())
    ]
