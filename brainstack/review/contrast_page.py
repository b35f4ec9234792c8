"""How bright each channel is shown: its histogram with the range that web pictures and Neuroglancer use, and sections
in that range."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from brainstack.alignment_results import read_background
from brainstack.contrast import ContrastChangedError, Shown, check_channel, set_contrast, shown_of, version_of
from brainstack.errors import BrainstackError
from brainstack.files.histogram_table import read_counts
from brainstack.gains import channel_gain, has_gain
from brainstack.images.normalizing import to_8_bit
from brainstack.plan import Plan
from brainstack.review.access import Role
from brainstack.review.asking import Asked, ConflictError, NotThereError, Page, json_answer
from brainstack.review.pictures import picture_answer

SAMPLES = 3
"""Sections that are shown of each channel, from all along the stack."""
SAMPLE_PX = 640
HIGHEST = 65535


class ContrastSaid(BaseModel):
    """low, high : grey values as scanned; None for what is computed. seen : `version_of` what the page showed."""

    model_config = ConfigDict(extra="forbid")
    low: int | None = Field(ge=0, le=HIGHEST)
    high: int | None = Field(ge=1, le=HIGHEST)
    seen: str = Field(max_length=400)


def page(asked: Asked) -> Response:
    plan = asked.animal.plan()
    return asked.page(
        "contrast.html",
        title="Contrast",
        channels=plan.channels,
        is_colour=plan.is_colour,
        sections=[(one.key, one.number) for one in plan.section.values()],
        samples=_samples(plan),
    )


def _samples(plan: Plan) -> list[tuple[str, int]]:
    """Keys and numbers of sections from all along the stack."""
    found = [(one.key, one.number) for one in plan.section.values()]
    places = [round((len(found) - 1) * (place + 0.5) / SAMPLES) for place in range(SAMPLES)] if found else []
    return list(dict.fromkeys(found[place] for place in places))


def channel(asked: Asked) -> Response:
    """All that the page knows of a channel, as JSON."""
    plan = asked.animal.plan()
    return json_answer(_told(plan, _channel(asked, plan)))


def _told(plan: Plan, number: int) -> dict[str, Any]:
    found = {"channel": number, "is_colour": plan.is_colour, "histogram": _histogram(plan, number)}
    if plan.is_colour:
        return found | {"white_point": _white_point(plan, number)}
    shown = shown_of(plan, number)
    return found | _ranges(shown) | {"seen": version_of(shown.by_hand)}


def _ranges(shown: Shown) -> dict[str, Any]:
    by_hand = shown.by_hand
    return {
        "gain": shown.gain,
        "highest": shown.highest,
        "viewer": shown.viewer,
        "web": shown.web,
        "computed_viewer": shown.computed_viewer,
        "computed_web": shown.computed_web,
        "by_hand": by_hand
        and {"low": by_hand.low, "high": by_hand.high, "person": by_hand.person, "at": by_hand.at},
    }  # fmt: skip


def _histogram(plan: Plan, number: int) -> dict[str, list[int]] | None:
    """The table beside the channel's picture in histogram/: `from` and `to` of each row, and its pixels, or those of
    red, green and blue. None before the first run. Raises BrainstackError for a table that is none."""
    table = plan.folder.histogram(number, plan.folder.prep_id).with_suffix(".csv")
    return read_counts(table) if table.exists() else None


def _white_point(plan: Plan, number: int) -> list[int] | None:
    try:
        return [int(one) for one in read_background(plan, number)]
    except OSError:  # not measured yet
        return None


def _channel(asked: Asked, plan: Plan) -> int:
    """The channel that the address names. Raises NotThereError for one that there is not."""
    text, known = asked.part("channel"), [one.number for one in plan.channels]
    if not (text.isdecimal() and len(text) < 5 and int(text) in known):
        raise NotThereError(f"{asked.animal.prep_id} has no channel {text[:20]}; load the page again.")
    return int(text)


def picture(asked: Asked) -> Response:
    """An aligned section between two grey values as scanned, ?low=100&high=4000; as in its volume."""
    plan, key = asked.animal.plan(), asked.part("key")
    number = _channel(asked, plan)
    if key not in plan.section:
        raise NotThereError(f"{asked.animal.prep_id} has no section {key} any more; load the page again.")
    path = plan.folder.keyed("thumbnail_aligned", key, number)
    if plan.is_colour or not has_gain(plan, number):
        return picture_answer(asked, path, side_px=SAMPLE_PX)
    low, high = (_level(asked, name) * channel_gain(plan, number) for name in ("low", "high"))
    if not low < high:
        raise BrainstackError(f"The lower grey value ({low:g}) is not below the higher one ({high:g}).")
    if plan.pixel_type == "uint8":

        def in_range(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
            return to_8_bit(image, high, low)

        return picture_answer(asked, path, side_px=SAMPLE_PX, edit=in_range, named=f"{low}-{high}")
    return picture_answer(asked, path, side_px=SAMPLE_PX, white=high, black=low)


def _level(asked: Asked, name: str) -> float:
    text = asked.query(name)
    try:
        level = float(text)
    except ValueError:
        level = float("nan")
    if not 0 <= level <= HIGHEST:
        raise BrainstackError(f"{name} is {text[:20]!r}; wanted a grey value from 0 to {HIGHEST}.")
    return level


def set_range(asked: Asked) -> Response:
    said, plan = asked.sent(ContrastSaid), asked.animal.plan()
    number, prep_id = _channel(asked, plan), asked.animal.prep_id
    check_channel(plan, number)
    if (said.low is None) != (said.high is None):
        raise BrainstackError("Half of a range was sent; load the page again.")
    levels = None if said.low is None or said.high is None else (said.low, said.high)
    try:
        set_contrast(prep_id, number, levels, person=asked.person, seen=said.seen)
    except ContrastChangedError as error:
        raise ConflictError(str(error)) from error
    asked.animal.changed()
    return json_answer(_told(asked.animal.plan(), number))


HERE = "/{animal}/contrast"

PAGES: tuple[Page, ...] = (
    Page(HERE, page),
    Page(f"{HERE}/{{channel}}.json", channel),
    Page(f"{HERE}/{{channel}}/pictures/{{key}}.jpg", picture),
    Page(f"{HERE}/{{channel}}", set_range, Role.EDIT, ("POST",)),
)
