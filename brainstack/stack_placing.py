"""Where all sections of an animal lie, from the pairs that are on the disk and what people said: as the next run places
them, where no pair has to be registered anew."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from brainstack.alignment_results import (
    radius_um,
    read_canvas,
    read_cleaned_mask,
    read_midlines,
    read_outlines,
    read_reference_places,
    read_used,
)
from brainstack.frames import Lies, PlaceFrame, said_now
from brainstack.geometry import Matrix, Shape, rigid
from brainstack.given_pairs import given_pair
from brainstack.images.alignment import Box, aligned_canvas
from brainstack.images.alignment_verdicts import Verdict
from brainstack.images.pair_check import Places
from brainstack.images.registration import Registered
from brainstack.images.stack_alignment import AlignedStack, Held, Rules, Stack, align_stack
from brainstack.images.stack_holds import OffPlane, off_plane
from brainstack.images.stack_solving import Frame, Hold
from brainstack.places_by_hand import check_edits, with_edits
from brainstack.places_now import LOOK, frame_of, lies_of, placements_of, said_of_places, slips_of
from brainstack.plan import Plan
from brainstack.records import AlignmentEdit, GivenPair

OTHER_STATE = (
    "the sections around it do not follow it, as it was placed mirrored by hand where it is not turned back, or the "
    f"other way round: {LOOK}"
)
OUTSIDE = "it lies outside the reference volume, so that only the sections around it hold it"


@dataclass(frozen=True)
class PlacedStack:
    """stack : what is known before. aligned : what follows from the pairs. placed : by key, where each section lies
    with what people said on top, from the aligned frame to its cleaned picture, in pixels of the thumbnail. frame :
    what places are about. lies : where pictures lie in it, as the pairs have them. by_hand : keys of the sections whose
    place a person gave. doubts : by key, why what a person said of it does not count, or not for others."""

    stack: Stack
    aligned: AlignedStack
    placed: Mapping[str, Matrix]
    frame: PlaceFrame
    lies: Lies
    by_hand: frozenset[str] = frozenset()
    doubts: Mapping[str, str] = field(default_factory=dict)
    off_plane: OffPlane | None = None


def place_stack(plan: Plan, *, but: Collection[str] = ()) -> PlacedStack:
    """but : pairs that are not asked, as they are not registered yet. Raises BrainstackError where people said what
    cannot be."""
    cleaned = read_canvas(plan)
    mirrored = json.loads(plan.folder.small("pair_check").read_text())["mirrored"]
    turned = mirrored if plan.settings.pair_check.turn_mirrored else []

    pairs = {pair: read_used(plan, pair) for pair in used_pairs(plan) if pair not in but}
    stack = _stack(plan, pairs, mirrored, cleaned)
    on_reference = read_reference_places(plan)
    check_edits(plan)
    held = Held(
        reference=_reference_holds(plan, on_reference, cleaned, turned),
        midlines=read_midlines(plan),
        outlines=read_outlines(plan),
        depths_um=[plan.section[key].z_um for key in plan.chain],
    )
    alone = align_stack(stack, held, _rules(plan))

    on_canvas = placements_of(plan, cleaned)
    lies = lies_of(plan, alone, on_canvas, cleaned)
    frame = frame_of(plan, alone, lies, is_reference=bool(held.reference))
    edits, doubts = said_of_places(plan, frame.name, lies, on_canvas)
    anchors = [edit for edit in edits if edit.kind == "anchor"]
    if anchors:
        holds = [_hold(plan, edit, cleaned) for edit in anchors]
        alone = align_stack(stack, dataclasses.replace(held, by_hand=holds), _rules(plan))
    doubts |= {edit.section: OTHER_STATE for edit in anchors if edit.mirrored != (edit.section in turned)}

    aligned = with_outside(alone, on_reference)
    placed = with_edits(
        {plan.chain[place]: matrix for place, matrix in aligned.placed.items()},
        edits,
        rigid_of=lambda edit: matrix_of_edit(edit, plan.pixel_size_um, cleaned),
        slips_of=lambda edit: slips_of(edit, plan.pixel_size_um, cleaned, on_canvas),
        mirrored=turned,
        shape=cleaned,
    )
    by_hand = frozenset(edit.section for edit in edits if edit.section in placed)
    lie = {plan.place_in_chain[key]: matrix for key, matrix in placed.items()}
    off = off_plane(lie, held.midlines, stack.frame)
    return PlacedStack(stack, aligned, placed, frame, lies, by_hand, doubts, off)


def canvas_of(plan: Plan, placed: Mapping[str, Matrix]) -> Box:
    """The canvas of aligned images, which holds the tissue of all sections, in the aligned frame."""
    keys = [key for key in plan.chain if key in placed]
    margin_px = round(plan.settings.canvas.margin_um / plan.pixel_size_um)
    return aligned_canvas(((key, read_cleaned_mask(plan, key), placed[key]) for key in keys), margin_px)


def matrix_of_edit(edit: AlignmentEdit, pixel_size_um: float, canvas: Shape) -> Matrix:
    """From the aligned frame to the section's canvas, (rows, columns), as a person gave it, in pixels."""
    shift_px = edit.shift_x_um / pixel_size_um, edit.shift_y_um / pixel_size_um
    return rigid(edit.rotation_rad, *shift_px, canvas, mirrored=edit.mirrored)


def pair_by_hand(plan: Plan, pair: str) -> GivenPair | None:
    """How a person said that a pair lies, from canvas to canvas as they are now; None where nobody did."""
    edit = plan.pairs_by_hand.get(pair)
    if edit is None:
        return None
    on_canvas = placements_of(plan, read_canvas(plan))
    now = said_now(edit, name=edit.frame, lies=on_canvas, placed=on_canvas)
    return given_pair(now or edit, pair)


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


# What is known before


def used_pairs(plan: Plan) -> list[str]:
    """Those that could be registered and that no person left out, as in their steps."""
    return [
        pair.item
        for pair in plan.steps("PairRetry")
        if pair.item not in plan.left_out and not plan.is_blocked(pair)
    ]  # fmt: skip


def _stack(plan: Plan, pairs: Mapping[str, Registered], mirrored: list[str], canvas: Shape) -> Stack:
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


def _hold(plan: Plan, anchor: AlignmentEdit, canvas: Shape) -> Hold:
    """Where a person holds a section, so that those around it follow."""
    sigma_um = (plan.settings.transforms.anchor_um,) * 3
    return Hold(plan.place_in_chain[anchor.section], matrix_of_edit(anchor, plan.pixel_size_um, canvas), sigma_um)


def _reference_holds(
    plan: Plan, on_reference: Mapping[int, Registered | None], canvas: Shape, turned: list[str]
) -> list[Hold]:
    """Where the reference holds sections. turned : keys of those that are turned back, as they are mirrored."""
    sigma_um, lowest = (plan.settings.shape.reference_um,) * 3, plan.settings.elastix.lowest_metric
    return [
        Hold(place, found.matrix(plan.pixel_size_um, canvas), sigma_um)
        for place, found in on_reference.items()
        if found and found.mirrored == (plan.chain[place] in turned) and found.metric > lowest
    ]
