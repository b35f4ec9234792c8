"""What the page of the alignment shows: the stack as the last run left it, and as the next one will place it."""

from __future__ import annotations

import logging
import math
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack import aligning
from brainstack.alignment_results import read_background
from brainstack.alignment_words import said_by
from brainstack.errors import BrainstackError
from brainstack.files.browser_pictures import encoded
from brainstack.gains import has_gain
from brainstack.geometry import Matrix
from brainstack.plan import Plan
from brainstack.records import SectionAlignment
from brainstack.review.animals import ReviewedAnimal
from brainstack.review.asking import NotThereError
from brainstack.review.pictures import version_of
from brainstack.small_sections import SmallSections
from brainstack.stack_preview import Laid, last_laid, next_laid
from brainstack.viewing import by_hand_range, contrast_of

log = logging.getLogger(__name__)

NOT_YET = "Where sections will lie is not known before the next run; they are shown as the last one left them."


@dataclass(frozen=True)
class Solved:
    """after : None where `error` says why the next run cannot place the stack."""

    before: Laid | None
    after: Laid | None
    error: str = ""


class _Stack:
    """What is kept of one animal: its sections in small, and its stack as it was solved last, but not the plan."""

    def __init__(self) -> None:
        self.small = SmallSections()
        self._lock = threading.Lock()
        self._plan: Callable[[], Plan | None] = lambda: None
        self._solved: Solved | None = None

    def solved(self, plan: Plan) -> Solved:
        """Solved once for each plan; who asks meanwhile waits, whoever looks at another animal does not."""
        with self._lock:
            if self._solved is None or self._plan() is not plan:
                self._solved, self._plan = _solve(plan), weakref.ref(plan)
            return self._solved


_STACKS: dict[str, _Stack] = {}
_LOCK = threading.Lock()
"""Of the dictionary alone."""


def _stack_of(animal: ReviewedAnimal) -> _Stack:
    with _LOCK:
        return _STACKS.setdefault(animal.prep_id, _Stack())


def _solve(plan: Plan) -> Solved:
    before = last_laid(plan)
    if before is None:
        return Solved(None, None)
    try:
        return Solved(before, next_laid(plan, before))
    except BrainstackError as error:  # what people said cannot be: sections follow each other in a ring
        return Solved(before, None, str(error))
    except OSError as error:
        log.warning("%s: the stack cannot be solved before the next run: %s", plan.folder.prep_id, error)
        return Solved(before, None, NOT_YET)


def shown_of(animal: ReviewedAnimal) -> dict[str, Any]:
    """All that the page knows of the stack, for JSON. Places are maps from the aligned canvas to cleaned pictures, as
    a11, a12, tx, a21, a22, ty."""
    plan = animal.plan()
    found = _stack_of(animal).solved(plan)
    before = found.before
    judged = aligning.sections_aligned(plan)
    after = found.after or before
    edits = plan.records.alignment_edits
    return {
        "is_aligned": before is not None,
        "is_approved": bool(before and before.is_approved),
        "error": found.error,
        "missing": after.missing if after else 0,
        "canvas": before and list(before.canvas),
        "cleaned": before and list(before.cleaned),
        "corner": before and list(before.corner),
        "pixel_size_um": plan.pixel_size_um if plan.section else None,
        "thickness_um": plan.records.histology.section_thickness_um,
        "reach": plan.settings.elastix.reach,
        "is_colour": plan.is_colour,
        "slots": len(plan.sections),
        "glass": glass(plan),
        "whites": {str(one.number): picture_white(plan, one.number) for one in plan.channels},
        "sections": [
            _section(plan, key, judged.get(key), before.matrices if before else {}, after.matrices if after else {})
            for key in plan.section
        ],
        "edits": [
            {
                "kind": edit.kind, "section": edit.section, "other": edit.other, "words": said_by(plan, edit),
                "seen": aligning.said_of(edits, edit.section, edit.other if edit.kind == "leave_out" else ""),
            }
            for edit in edits
        ],
    }  # fmt: skip


def _section(
    plan: Plan,
    key: str,
    one: SectionAlignment | None,
    before: Mapping[str, Matrix],
    after: Mapping[str, Matrix],
) -> dict[str, Any]:
    channel = plan.settings.elastix.channel
    return {
        "key": key,
        "number": plan.section[key].number,
        "before": _six(before, key),
        "after": _six(after, key),
        "version": version_of(plan.folder.keyed("thumbnail_cleaned", key, channel)),
        "seen": aligning.said_of(plan.records.alignment_edits, key),
        "verdict": one.verdict if one else "",
        "reason": one.reason if one else "not aligned yet",
        "metric": _finite(one.metric if one else None),
        "metric_before": _finite(one.metric_before if one else None),
        "residual_um": _finite(one.residual_um if one else None),
        "overlap": _finite(one.overlap if one else None),
        "by_hand": bool(one and one.by_hand),
    }


def _six(matrices: Mapping[str, Matrix], key: str) -> list[float] | None:
    matrix = matrices.get(key)
    return None if matrix is None else [float(one) for one in matrix[:2].ravel()]


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def glass(plan: Plan) -> list[int]:
    """(red, green, blue) of what lies around the tissue in pictures."""
    if not plan.is_colour:
        return [0, 0, 0]
    try:
        return [int(one) for one in read_background(plan, plan.settings.elastix.channel)]
    except OSError:  # not measured yet
        return [255, 255, 255]


def picture_white(plan: Plan, channel: int) -> float:
    """The grey value of cleaned sections that their pictures show white: where web pictures and viewers have it."""
    said = contrast_of(plan, channel)
    if said is not None and has_gain(plan, channel):
        return by_hand_range(plan, said)[1]
    return float(plan.settings.gain.target * np.iinfo(plan.pixel_type).max)


# Views of the stack


def view_png(animal: ReviewedAnimal, name: str, *, is_after: bool) -> bytes:
    """The middle of the stack, a column a slot, seen from the side (its rows are those of the canvas) or from above
    (its rows are the columns of the canvas), in 8 bit, as PNG. Raises NotThereError before the first run."""
    plan, stack = animal.plan(), _stack_of(animal)
    found = stack.solved(plan)
    laid = (found.after or found.before) if is_after else found.before
    if laid is None:
        raise NotThereError(f"{animal.prep_id} was not aligned yet; the next run does it, and then there are views.")
    views, white = stack.small.views(plan, laid), _white(stack.small.views(plan, found.before or laid))
    view = views.side if name == "side" else views.top
    return encoded(np.clip(np.rint(view * (255 / white)), 0, 255).astype(np.uint8), "png")


def _white(views: Iterable[NDArray[np.float32]]) -> float:
    """What is shown white in all views: hardly anything of those of the last run."""
    lit = np.concatenate([one[one > 0].ravel() for one in views])
    return float(np.quantile(lit, 0.995)) if lit.size else 1.0
