"""How sections lie on their neighbours: looked at, and mended by hand."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat
from starlette.responses import Response

from brainstack import aligning
from brainstack.aligning import ChangedMeanwhileError, Place
from brainstack.review.access import Role
from brainstack.review.alignment_shown import picture_white, shown_of, view_png
from brainstack.review.asking import Asked, ConflictError, NotThereError, Page, json_answer
from brainstack.review.pictures import picture_answer

LARGEST_SIDE_PX = 4096
"""Of a section's picture: a canvas of more than that a side is slow in a browser."""


class Said(BaseModel):
    """seen : `said_of` what the page showed, so that nothing that somebody else said meanwhile is overwritten."""

    model_config = ConfigDict(extra="forbid")
    seen: str = Field(max_length=64)


class PlaceSaid(Said):
    rotation_rad: FiniteFloat
    shift_x_um: FiniteFloat
    shift_y_um: FiniteFloat
    mirrored: bool
    anchor: bool = False


class OtherSaid(Said):
    """other : key of the neighbour that is followed, or of the pair's other section; "" for the section alone."""

    other: str = Field(default="", max_length=200)


def page(asked: Asked) -> Response:
    plan = asked.animal.plan()
    return asked.page(
        "alignment.html",
        title="Alignment",
        channels=plan.channels,
        channel=plan.settings.elastix.channel,
        furthest_um=aligning.FURTHEST_UM,
    )


def stack(asked: Asked) -> Response:
    """All that the page knows of the stack, as JSON."""
    return json_answer(shown_of(asked.animal))


def picture(asked: Asked) -> Response:
    """The cleaned thumbnail of a section, on the canvas of cleaned images, in 8 bit."""
    plan, key = asked.animal.plan(), asked.part("key")
    channel = _channel(asked)
    if key not in plan.section or channel not in [one.number for one in plan.channels]:
        raise NotThereError(
            f"{asked.animal.prep_id} has no section {key} of channel {channel} now; load the page again."
        )
    path = plan.folder.keyed("thumbnail_cleaned", key, channel)
    return picture_answer(asked, path, white=picture_white(plan, channel), side_px=LARGEST_SIDE_PX)


def _channel(asked: Asked) -> int:
    text = asked.query("channel", "1")
    return int(text) if text.isdecimal() and len(text) < 5 else 0


def view(asked: Asked) -> Response:
    """The stack from the side or from above, as the last run left it or as the next one will: PNG, a column a slot."""
    name, when = asked.part("view"), asked.query("when", "after")
    if name not in ("side", "top") or when not in ("before", "after"):
        raise NotThereError(f"There is no view {name} {when} of the stack; wanted side or top, before or after.")
    content = view_png(asked.animal, name, is_after=when == "after")
    return Response(content, media_type="image/png", headers={"Cache-Control": "private, no-cache"})


# What people say


def place(asked: Asked) -> Response:
    said = asked.sent(PlaceSaid)
    given = Place(said.rotation_rad, said.shift_x_um, said.shift_y_um, said.mirrored)
    return _do(asked, lambda prep_id, key: aligning.place(
        prep_id, key, given, anchor=said.anchor, person=asked.person, seen=said.seen))  # fmt: skip


def follow(asked: Asked) -> Response:
    said = asked.sent(OtherSaid)
    other = _checked(asked, said.other)
    return _do(asked, lambda prep_id, key: aligning.follow(
        prep_id, key, other, person=asked.person, seen=said.seen))  # fmt: skip


def leave_out(asked: Asked) -> Response:
    said = asked.sent(OtherSaid)
    other = _checked(asked, said.other)
    return _do(asked, lambda prep_id, key: aligning.leave_out(
        prep_id, key, other, person=asked.person, seen=said.seen))  # fmt: skip


def release(asked: Asked) -> Response:
    """Also of a section that is a gap now, or gone, of which a person said something."""
    said, prep_id, key = asked.sent(OtherSaid), asked.animal.prep_id, asked.part("key")
    return _answer(asked, lambda: aligning.release(prep_id, key, said.other, person=asked.person, seen=said.seen))


def _do(asked: Asked, say: Callable[[str, str], str]) -> Response:
    key = _checked(asked, asked.part("key"))
    return _answer(asked, lambda: say(asked.animal.prep_id, key))


def _checked(asked: Asked, key: str) -> str:
    """A section's key. Raises NotThereError for one that was dropped meanwhile."""
    if key not in asked.animal.plan().section:
        raise NotThereError(
            f"{asked.animal.prep_id} has no section {key} any more: it is a gap, or was dropped; nothing was changed. "
            "Load the page again."
        )
    return key


def _answer(asked: Asked, say: Callable[[], str]) -> Response:
    try:
        told = say()
    except ChangedMeanwhileError as error:
        raise ConflictError(str(error)) from error
    asked.animal.changed()
    return json_answer({"told": told})


HERE = "/{animal}/alignment"

PAGES: tuple[Page, ...] = (
    Page(HERE, page),
    Page(f"{HERE}/stack.json", stack),
    Page(f"{HERE}/views/{{view}}.png", view),
    Page(f"{HERE}/pictures/{{key}}.jpg", picture),
    Page(f"{HERE}/sections/{{key}}/place", place, Role.EDIT, ("POST",)),
    Page(f"{HERE}/sections/{{key}}/follow", follow, Role.EDIT, ("POST",)),
    Page(f"{HERE}/sections/{{key}}/leave-out", leave_out, Role.EDIT, ("POST",)),
    Page(f"{HERE}/sections/{{key}}/release", release, Role.EDIT, ("POST",)),
)
