"""What people paint: found where they saved it, checked, and kept under the section's key.

A person opens preps/masks/thumbnail_colored/012.tif (white paint adds, black removes) or thumbnail_masked/012.tif and
saves. Some programs write through the link, others put a new file in its place: both are found. An edit that cannot be
used stays where it is, with a sentence that says why.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.files.whole import write_json
from brainstack.images.paint import checked_mask, mask_from_paint, preview
from brainstack.intake import read_seen, seen_name, signature_of
from brainstack.links import is_own_file, read_order
from brainstack.plan import Plan
from brainstack.stamps import Stamps, Step, digest

MADE_BY = {"thumbnail_colored": "MaskProposal", "thumbnail_masked": "Masks"}


def take_in_edits(plan: Plan, *, dry: bool = False) -> tuple[dict[str, str], dict[str, str]]:
    """All edits of masks: section key -> digest of the mask, and section key -> why an edit cannot be used.

    dry : look only, and write nothing.
    """
    edits = {path.stem: digest(read_tiff(path)) for path in sorted(plan.folder.edit("x").parent.glob("[!.]*.tif"))}
    refused: dict[str, str] = {}
    for edit in list(_edits_found(plan, dry=dry)):
        try:
            mask = _mask_of(plan, edit)
        except BrainstackError as error:
            refused[edit.key] = str(error)
            if not dry and edit.path != edit.numbered:  # from where a stage writes to where only people do
                edit.path.replace(edit.numbered)
            continue
        in_force = mask_in_force(plan, edit.key)
        if in_force is None or not np.array_equal(mask, in_force):
            edits[edit.key] = digest(mask)
            if not dry:
                write_tiff(plan.folder.edit(edit.key), mask, plan.pixel_size_um)
                plan.folder.keyed("thumbnail_colored", edit.key).unlink(missing_ok=True)  # it shows the mask before
        if not dry:
            edit.path.unlink(missing_ok=True)
    return edits, refused


@dataclass(frozen=True)
class Edit:
    """A file that a person changed. numbered : what they call it. path : where it is, there or under the key."""

    kind: str
    key: str
    numbered: Path
    path: Path


def _edits_found(plan: Plan, *, dry: bool) -> Iterator[Edit]:
    """Files that differ from what brainstack wrote. A mask comes after its painting, as it says more."""
    folder = plan.folder
    seen = read_seen(folder)
    now: dict[str, Any] = {}
    stamps = Stamps(folder.stamps)
    for kind, (number, key) in itertools.product(MADE_BY, read_order(folder).items()):
        numbered, keyed = folder.numbered(kind, number), folder.keyed(kind, key)
        if is_own_file(numbered):
            yield Edit(kind, key, numbered, numbered)
        elif keyed.is_file():
            signature, before = signature_of(keyed), seen.get(seen_name(keyed))
            if before == signature or _is_as_written(
                stamps, Step(MADE_BY[kind], 0, key), keyed, known=before is not None
            ):
                now[seen_name(keyed)] = signature
            else:
                yield Edit(kind, key, numbered, keyed)
    if not dry and now != seen:
        write_json(folder.seen, now)


def _is_as_written(stamps: Stamps, step: Step, path: Path, *, known: bool) -> bool:
    """True for a file that nobody edited. Where the stamp is gone, because its step failed since, a file that was
    never seen before is one that brainstack wrote last."""
    stamp = stamps.read(step)
    if stamp is None:
        return not known
    return _content(path) == stamp.of("file")


def _content(path: Path) -> str:
    try:
        return digest(read_tiff(path))
    except BrainstackError:
        return ""


def _mask_of(plan: Plan, edit: Edit) -> NDArray[np.uint8]:
    """The mask that a person meant, 0 and 255. Raises BrainstackError where it cannot be used."""
    grey = read_tiff(plan.folder.keyed("normalized", edit.key, plan.settings.masks.channel))
    name = str(edit.numbered)
    painted = _read(edit)
    if edit.kind == "thumbnail_masked":
        mask = checked_mask(painted, shape=(grey.shape[0], grey.shape[1]), name=name)
    else:
        in_force = mask_in_force(plan, edit.key)
        base = np.zeros(grey.shape, bool) if in_force is None else in_force > 0
        try:
            mask = mask_from_paint(painted, preview(grey, base), base)
        except BrainstackError as error:
            raise BrainstackError(f"{name}: {error}") from error
        if not mask.any():
            raise BrainstackError(f"{name}: nothing is left of the mask; leave some tissue, or mark the scene as bad.")
    return np.where(mask, 255, 0).astype(np.uint8)


def _read(edit: Edit) -> NDArray[Any]:
    """What a person saved, read by the name that they know it by."""
    leads_there = edit.numbered.exists() and edit.numbered.samefile(edit.path)
    return read_tiff(edit.numbered if leads_there else edit.path)


def mask_in_force(plan: Plan, key: str) -> NDArray[np.uint8] | None:
    """What a person made of a section's mask so far, else the proposal; None where there is neither."""
    for path in (plan.folder.edit(key), plan.folder.keyed("proposal", key)):
        if path.exists():
            return np.where(read_tiff(path) > 0, 255, 0).astype(np.uint8)
    return None
