"""What the stages of the alignment left on the disk, as whoever aligns or looks reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff
from brainstack.images.cleaning import Image, place_on_canvas, turn
from brainstack.images.midline import Midline
from brainstack.images.outline_holds import Outline
from brainstack.images.registration import Registered
from brainstack.plan import Plan
from brainstack.stamps import Step


def read_canvas(plan: Plan) -> tuple[int, int]:
    """The canvas of cleaned images, (rows, columns)."""
    content = json.loads(plan.folder.small("canvas").read_text())
    return content["rows"], content["columns"]


def read_cleaned_mask(plan: Plan, key: str) -> NDArray[np.bool_]:
    """The mask of a section where its cleaned image is: turned, on the canvas."""
    mask = read_tiff(plan.folder.keyed("thumbnail_masked", key)) > 0
    turned = turn(mask, *plan.turns(key))
    return placed_on_canvas(plan, turned, turned)


def placed_on_canvas(plan: Plan, image: Image, mask: NDArray[np.bool_], background: ArrayLike = 0) -> Image:
    """A section, turned, on the canvas of the animal, as `place_on_canvas`. Raises BrainstackError where its tissue is
    larger, as only that of an approved canvas can be."""
    try:
        return place_on_canvas(image, mask, read_canvas(plan), background)
    except BrainstackError as error:
        release = f"brainstack approve {plan.folder.prep_id} canvas --release"
        raise BrainstackError(f"{error} An approved canvas grows after `{release}`.") from error


def read_background(plan: Plan, channel: int) -> tuple[int, ...]:
    """What lies around the tissue of a channel: (red, green, blue) of the glass, or (0,) for an animal in grey."""
    if not plan.is_colour:
        return (0,)
    return tuple(json.loads(plan.folder.small(f"white_point_C{channel}").read_text())["white"])


def read_matrices(plan: Plan) -> dict[str, Any]:
    """ "canvas": [rows, columns] of aligned images; "matrices": 3 x 3 for each section's key, aligned to cleaned;
    "failed": why a section has no place, by its key; "outside": why it does not fit the approved canvas; "symmetry": as
    `OffPlane`, or None."""
    content: dict[str, Any] = json.loads(plan.folder.small("transforms").read_text())
    return content


# Pairs


def read_registered(plan: Plan, pair: str) -> Registered:
    """A pair as it was registered first."""
    return Registered(**json.loads(plan.folder.pair(pair).read_text()))


def read_in_force(plan: Plan, pair: str) -> Registered:
    """A pair as it is used."""
    return Registered(**json.loads(plan.folder.pair_in_force(pair).read_text()))


def read_used(plan: Plan, pair: str) -> Registered:
    """A pair as the stack is solved with: refined on finer pictures where that was asked for and could be done."""
    finer = Step("PairFiner", 0, pair)
    if finer not in plan.steps("PairFiner") or plan.is_blocked(finer):
        return read_in_force(plan, pair)
    return Registered(**json.loads(plan.folder.pair_finer(pair).read_text()))


def radius_um(pairs: Iterable[Registered]) -> float:
    """Of the tissue about the canvas centre, the median of all sections; 1 where there is no pair."""
    radii = [found.radius_um for found in pairs]
    return float(np.median(radii)) if radii else 1.0


# What holds the stack from outside


def read_midlines(plan: Plan) -> dict[int, Midline]:
    """By place in the chain, those that could be found and are alike enough to be used."""
    steps = [step for step in plan.steps("Midline") if not plan.is_blocked(step)]
    found = {
        plan.place_in_chain[step.item]: Midline(**json.loads(plan.folder.held("midline", step.item).read_text()))
        for step in steps
    }
    return {place: one for place, one in found.items() if one.likeness >= plan.settings.shape.lowest_likeness}


def read_outlines(plan: Plan) -> dict[int, Outline]:
    """By place in the chain, those that could be found."""
    steps = [step for step in plan.steps("Outline") if not plan.is_blocked(step)]
    found = {step.item: json.loads(plan.folder.held("outline", step.item).read_text()) for step in steps}
    return {plan.place_in_chain[key]: [np.array(rim) for rim in content["rims"]] for key, content in found.items()}


def read_reference_places(plan: Plan) -> dict[int, Registered | None]:
    """By place in the chain, those that could be found; None for a section outside the volume."""
    steps = [step for step in plan.steps("ReferencePlace") if not plan.is_blocked(step)]
    found = {step.item: json.loads(plan.folder.held("reference", step.item).read_text()) for step in steps}
    return {plan.place_in_chain[key]: content and Registered(**content) for key, content in found.items()}
