"""Transforms: from pairs of sections to one transform for each section."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from brainstack.approval import check_still_fits
from brainstack.errors import BrainstackError
from brainstack.files.alignment_metrics import write_alignment_metrics
from brainstack.files.tiff import read_tiff
from brainstack.files.transforms import SectionTransform, write_transforms
from brainstack.files.whole import write_json
from brainstack.geometry import Matrix, inverse, rigid, rigid_parts, shift
from brainstack.images.alignment import aligned_canvas, beyond_px
from brainstack.images.alignment_verdicts import Verdict
from brainstack.images.cleaning import cleaning_matrix
from brainstack.images.pair_check import Places
from brainstack.images.registration import Registered
from brainstack.images.stack_alignment import AlignedStack, Held, Rules, Stack, align_stack
from brainstack.images.stack_solving import Frame, Hold
from brainstack.intake import record
from brainstack.places_by_hand import check_edits, edits_in_force, with_edits
from brainstack.plan import Plan
from brainstack.records import AlignmentEdit, PairTransform, SectionAlignment
from brainstack.stamps import Step, digest
from tasks.base import AnimalTask
from tasks.clean import read_canvas, read_cleaned_mask
from tasks.pair_check import radius_um
from tasks.pair_finer import read_used
from tasks.shape import read_midlines, read_reference_places

Pairs = Mapping[str, Registered]


class Transforms(AnimalTask):
    """Solves all pairs together to a place for each section, with what people said, judges pairs and sections, and
    finds the canvas that holds all aligned sections."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        cleaned = read_canvas(plan)
        pairs = _read_pairs(plan)
        mirrored = json.loads(plan.folder.small("pair_check").read_text())["mirrored"]
        placements = {key: _placement(plan, key, cleaned) for key in plan.chain}

        stack = _stack(plan, pairs, mirrored, cleaned)
        turned = mirrored if plan.settings.pair_check.turn_mirrored else []
        on_reference = read_reference_places(plan)
        held = Held(_anchors(plan, cleaned), _reference_holds(plan, on_reference, cleaned, turned), read_midlines(plan))
        aligned = with_outside(align_stack(stack, held, _rules(plan)), on_reference)
        by_key = {plan.chain[place]: matrix for place, matrix in aligned.placed.items()}
        placed = with_edits(
            by_key,
            edits_in_force(plan),
            rigid_of=lambda edit: _given(plan, edit, cleaned),
            mirrored=turned,
            shape=cleaned,
        )
        content = _in_force(plan, placed, placements)
        content["failed"] = {key: _why_failed(plan, key) for key in plan.chain if key not in content["matrices"]}
        sections, judged = _sections(plan, stack, aligned, placed), _pairs(plan, stack, aligned)

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


# The stack


def _read_pairs(plan: Plan) -> Pairs:
    """Those that could be registered and that no person left out."""
    return {
        pair.item: read_used(plan, pair.item)
        for pair in plan.steps("PairRetry")
        if pair.item not in plan.left_out and not plan.is_blocked(pair)
    }


def _stack(plan: Plan, pairs: Pairs, mirrored: list[str], canvas: tuple[int, int]) -> Stack:
    by_place: dict[Places, Registered] = {}
    for pair, found in pairs.items():
        fixed, moving = (plan.place_in_chain[key] for key in pair.split(".."))
        is_copy = found.is_same and any(plan.section[plan.chain[place]].copy for place in (fixed, moving))
        by_place[fixed, moving] = dataclasses.replace(found, is_same=False) if is_copy else found
    frame = Frame(canvas, plan.pixel_size_um, radius_um(pairs.values()))
    places = frozenset(plan.place_in_chain[key] for key in mirrored)
    return Stack(plan.chain, by_place, places, plan.anchor, frame)


def _rules(plan: Plan) -> Rules:
    settings = plan.settings
    return Rules(settings.elastix, settings.pair_check, settings.transforms, settings.shape)


def _anchors(plan: Plan, canvas: tuple[int, int]) -> list[Hold]:
    """Where people hold sections, so that those around them follow. Raises BrainstackError for what cannot be."""
    check_edits(plan)
    sigma_um = (plan.settings.transforms.anchor_um,) * 3
    return [
        Hold(plan.place_in_chain[edit.section], _given(plan, edit, canvas), sigma_um)
        for edit in edits_in_force(plan)
        if edit.kind == "anchor"
    ]


def _reference_holds(
    plan: Plan, on_reference: Mapping[int, Registered | None], canvas: tuple[int, int], turned: list[str]
) -> list[Hold]:
    """Where the reference holds sections. turned : keys of those that are turned back, as they are mirrored."""
    sigma_um, lowest = (plan.settings.shape.reference_um,) * 3, plan.settings.elastix.lowest_metric
    return [
        Hold(place, found.matrix(plan.pixel_size_um, canvas), sigma_um)
        for place, found in on_reference.items()
        if found and found.mirrored == (plan.chain[place] in turned) and found.metric > lowest
    ]


def _given(plan: Plan, edit: AlignmentEdit, canvas: tuple[int, int]) -> Matrix:
    """From the aligned frame to the section's canvas, as a person gave it, in pixels."""
    shift_px = edit.shift_x_um / plan.pixel_size_um, edit.shift_y_um / plan.pixel_size_um
    return rigid(edit.rotation_rad, *shift_px, canvas, mirrored=edit.mirrored)


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
    margin_px = round(plan.settings.canvas.margin_um / plan.pixel_size_um)
    box = aligned_canvas(((key, read_cleaned_mask(plan, key), placed[key]) for key in keys), margin_px)
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


def _placement(plan: Plan, key: str, canvas: tuple[int, int]) -> Matrix:
    """From the pixels of a section's thumbnail to those of its cleaned image."""
    scan_run = plan.records.scan_run
    mask = read_tiff(plan.folder.keyed("thumbnail_masked", key)) > 0
    return cleaning_matrix(mask, scan_run.rotation, scan_run.flip, canvas)


def _why_failed(plan: Plan, key: str) -> str:
    name = plan.folder.prep_id
    return (
        f"No section within {plan.settings.elastix.reach} of it fits on it, so that it has no place in the stack; look "
        "at it and its neighbours, and mend their masks, mark it as bad, or say where it lies: "
        f"`brainstack align place {name} {plan.section[key].number} --rotation-deg ...` or "
        f"`brainstack align follow {name} {plan.section[key].number} NEIGHBOUR`."
    )


# Verdicts


def with_outside(aligned: AlignedStack, on_reference: Mapping[int, Registered | None]) -> AlignedStack:
    """The same with doubt about sections that lie outside the reference volume, where nothing else speaks against
    them."""
    outside = {place for place, found in on_reference.items() if found is None}
    return dataclasses.replace(
        aligned,
        sections=[
            Verdict("doubtful", OUTSIDE) if place in outside and one.word == "good" else one
            for place, one in enumerate(aligned.sections)
        ],
    )


OUTSIDE = "it lies outside the reference volume, so that only the sections around it hold it"


def _sections(plan: Plan, stack: Stack, aligned: AlignedStack, placed: Mapping[str, Matrix]) -> list[SectionAlignment]:
    by_hand = {edit.section for edit in edits_in_force(plan)}
    return [
        _section(plan, stack, aligned, key, placed.get(key), by_hand=key in by_hand and key in placed)
        for key in plan.chain
    ]


def _section(
    plan: Plan, stack: Stack, aligned: AlignedStack, key: str, matrix: Matrix | None, *, by_hand: bool
) -> SectionAlignment:
    place = plan.place_in_chain[key]
    own = {places: found for places, found in stack.pairs.items() if place in places}
    nearest = [found for places, found in own.items() if places[1] - places[0] == 1] or list(own.values())
    frame = stack.frame
    parts = rigid_parts(np.eye(3) if matrix is None else matrix, frame.shape)
    verdict = Verdict("good", "a person gave it its place") if by_hand else aligned.sections[place]
    return SectionAlignment(
        section=key,
        rotation_rad=parts.rotation_rad,
        shift_x_um=parts.shift_x_px * frame.pixel_size_um,
        shift_y_um=parts.shift_y_px * frame.pixel_size_um,
        mirrored=parts.mirrored,
        metric=_median([found.metric for found in nearest]),
        metric_before=_median([found.metric_before for found in nearest]),
        overlap=_median([found.overlap for found in nearest]),
        residual_um=_median([aligned.residual_um[places] for places in own]),
        verdict=verdict.word,
        reason=verdict.reason,
        by_hand=by_hand,
    )


def _median(values: list[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else None


def _pairs(plan: Plan, stack: Stack, aligned: AlignedStack) -> list[PairTransform]:
    return [
        PairTransform(
            fixed=plan.chain[places[0]],
            moving=plan.chain[places[1]],
            rotation_rad=found.rotation_rad,
            shift_x_um=found.shift_x_um,
            shift_y_um=found.shift_y_um,
            metric=found.metric,
            mirrored=found.mirrored,
            metric_before=found.metric_before,
            overlap=found.overlap,
            residual_um=residual if np.isfinite(residual := aligned.residual_um[places]) else None,
            verdict=aligned.pairs[places].word,
        )
        for places, found in sorted(stack.pairs.items())
    ]
