"""Slides and their scenes: looked at, judged, turned, put in order. What a person does here is decided by the functions
of deciding.py, which `brainstack slide` calls too."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from brainstack.decided_before import DecidedMeanwhileError
from brainstack.deciding import Change, change_animal, undo_decision
from brainstack.errors import BrainstackError
from brainstack.reordering import moved_behind
from brainstack.review.access import Role
from brainstack.review.asking import Asked, ConflictError, NotThereError, Page, json_answer
from brainstack.review.slide_pictures import SIDES_PX
from brainstack.review.slides_kept import slides_of, small_pictures
from brainstack.review.slides_view import QUICK_REASONS, Seen, news, see, shown_to
from brainstack.said import VERDICT_WORDS, Decided
from brainstack.slides_shown import said

FOREVER = "private, max-age=31536000, immutable"
"""Of a picture whose address has its version."""
LONGEST_REASON = 500


class Sent(BaseModel):
    """known : tags of the slides that the page has; the answer brings those that changed. None for all."""

    model_config = ConfigDict(extra="forbid")

    known: list[Annotated[str, Field(max_length=20)]] | None = Field(None, max_length=5000)


class Said(Sent):
    """What a person says about the animal (slide 0), a slide (scene 0) or a scene: one thing of it. seen : the version
    of it that their page shows."""

    slide: int = Field(0, ge=0)
    rescan: int | None = Field(None, ge=1)
    scene: int = Field(0, ge=0)
    seen: str = Field("", max_length=40)
    reason: str = Field("", max_length=LONGEST_REASON)
    verdict: Literal["good", "out of focus", "bad", "end", "dropped", "kept"] | None = None
    copies: int | None = Field(None, ge=0)
    rotation: int | None = Field(None, ge=0, le=3)
    flip: Literal["none", "flip", "flop"] | None = None
    as_animal: bool = False
    moved_after: Literal[""] | None = None
    status: Literal["Good", "Bad"] | None = None
    scene_order: str | None = Field(None, max_length=200)
    use: Literal["this", "adds"] | None = None


class Placed(Sent):
    """A scene is put behind another in the stack as it is shown. after : key of that, "" for the start. seen,
    seen_slide : the versions of the scene and its slide that their page shows."""

    key: str = Field(max_length=64)
    after: str = Field(max_length=64)
    seen: str = Field("", max_length=40)
    seen_slide: str = Field("", max_length=40)


class Undone(Sent):
    """number : of the decision that the page said it would take back."""

    number: int = Field(ge=1)


def slides(asked: Asked) -> Response:
    """The page; its script draws what `now` says."""
    return asked.page(
        "slides.html", title=f"Slides of {asked.animal.prep_id}", state=_state(asked), reasons=QUICK_REASONS
    )


def now(asked: Asked) -> Response:
    """All slides as things stand."""
    return json_answer(_state(asked))


def decide(asked: Asked) -> Response:
    """Decide one thing."""
    wanted, prep_id = asked.sent(Said), asked.animal.prep_id
    try:
        made = _decided(asked, _change_of(wanted), wanted.reason, wanted.seen)
    except ConflictError:
        raise
    except BrainstackError:
        _check_is_there(see(prep_id), wanted)
        raise
    return json_answer({"said": [said(one) for one in made], **_state(asked, wanted.known)})


def place(asked: Asked) -> Response:
    """Put a scene at another place of the stack."""
    wanted, seen = asked.sent(Placed), see(asked.animal.prep_id)
    try:
        moved = moved_behind(seen.plan, wanted.key, wanted.after)
    except BrainstackError as error:
        raise NotThereError(f"{error} Somebody may have dropped it meanwhile.") from error
    made: list[Decided] = []
    if (moved.scene_order, moved.moved_after) != (None, None):
        order = None if moved.scene_order is None else ",".join(map(str, moved.scene_order))
        change = Change(
            slide=moved.slide.number, rescan=moved.slide.rescan, scene_order=order,
            scene=None if moved.moved_after is None else moved.scene.number, moved_after=moved.moved_after,
        )  # fmt: skip
        of_scene = None if moved.moved_after is None else wanted.seen
        made = _decided(asked, change, "", of_scene, seen_slide=wanted.seen_slide)
    return json_answer({"said": [said(one) for one in made], **_state(asked, wanted.known)})


def undo(asked: Asked) -> Response:
    """Take back a decision, and what was decided with it."""
    wanted = asked.sent(Undone)
    try:
        back = undo_decision(asked.animal.prep_id, number=wanted.number, person=asked.person)
    except BrainstackError as error:
        raise ConflictError(str(error)) from error
    asked.animal.changed()
    places = [[one.slide, one.rescan, one.scene] for one in back]
    return json_answer(
        {"said": [said(one, back=True) for one in back], "places": places, **_state(asked, wanted.known)}
    )


def picture(asked: Asked) -> Response:
    """A label, a preview or a scene, small or large."""
    side_px = SIDES_PX.get(asked.query("size", "small"))
    path = slides_of(asked.animal.folder).path(asked.part("name"))
    if path is None or side_px is None:
        raise NotThereError(f"There is no picture {asked.part('name')} of {asked.animal.prep_id}.")
    try:
        content = small_pictures.of(path, side_px)
    except FileNotFoundError as error:
        raise NotThereError(f"{path} is gone; the next run makes it again.") from error
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": FOREVER})


def _decided(
    asked: Asked, change: Change, reason: str, seen: str | None, seen_slide: str | None = None
) -> list[Decided]:
    prep_id = asked.animal.prep_id
    try:
        return change_animal(
            prep_id, change, person=asked.person, reason=reason.strip(), seen=seen, seen_slide=seen_slide
        )
    except DecidedMeanwhileError as error:
        raise ConflictError(str(error)) from error
    finally:
        asked.animal.changed()


def _change_of(wanted: Said) -> Change:
    """What deciding.py calls it."""
    if not wanted.slide:
        return Change(rotation=wanted.rotation, flip=wanted.flip)
    qc = VERDICT_WORDS.index(wanted.verdict) if wanted.verdict in VERDICT_WORDS else None
    return Change(
        slide=wanted.slide,
        rescan=wanted.rescan,
        scene=wanted.scene or None,
        status=wanted.status,
        qc=qc,
        dropped={"dropped": True, "kept": False}.get(wanted.verdict or ""),
        replicates=wanted.copies,
        moved_after=wanted.moved_after,
        scene_rotation=wanted.rotation,
        scene_flip=wanted.flip,
        as_animal=wanted.as_animal,
        scene_order=wanted.scene_order,
        use_scan=wanted.use == "this",
        rescan_use="adds" if wanted.use == "adds" else None,
    )


def _check_is_there(seen: Seen, wanted: Said) -> None:
    """Raises NotThereError for a scene that the slide has no more: it was scanned, or read, again."""
    scans = [one for one in seen.plan.records.slides if one.number == wanted.slide]
    scan = next((one for one in scans if wanted.rescan in (None, one.rescan)), None)
    if scan is None and wanted.scene == 0:
        return  # not read yet: its file is in the folder
    numbers = {one.number for one in scan.scenes} if scan else set()
    numbers |= {one.number for one in seen.dropped.get(scan.file_name, ())} if scan else set()
    if wanted.scene and wanted.scene not in numbers:
        raise NotThereError(
            f"Slide {wanted.slide} has no scene {wanted.scene} (any more): it was read again meanwhile; load the "
            "page again."
        )


def _state(asked: Asked, known: list[str] | None = None) -> dict[str, object]:
    """As things stand, with what is of the person who asks."""
    look = slides_of(asked.animal.folder).now()
    state = {**look.state, **shown_to(asked.person, look.seen)}
    return state if known is None else news(state, set(known))


PAGES: tuple[Page, ...] = (
    Page("/{animal}/slides", slides),
    Page("/{animal}/slides/now", now),
    Page("/{animal}/slides/picture/{name}", picture),
    Page("/{animal}/slides/decide", decide, Role.EDIT, ("POST",)),
    Page("/{animal}/slides/place", place, Role.EDIT, ("POST",)),
    Page("/{animal}/slides/undo", undo, Role.EDIT, ("POST",)),
)
