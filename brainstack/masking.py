"""Masks as people see and change them: the functions that `brainstack mask` and the review page share.

A mask that is saved here is kept as one that was painted in a file is: under the section's key, in force from the next
run on, whatever is proposed later. Who saves says which mask theirs is made from; where that is not the one in force
any more, nothing is overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.edits import Edit, edits_waiting, mask_in_force, mask_meant, mask_shape
from brainstack.errors import BrainstackError
from brainstack.files.browser_pictures import encoded
from brainstack.files.tiff import read_tiff, write_tiff
from brainstack.files.whole import whole_file, write_json
from brainstack.images.paint import check_tissue, checked_mask
from brainstack.last_run import local_time
from brainstack.locking import editing
from brainstack.mask_approvals import version_in_force
from brainstack.mask_areas import rows_in_doubt
from brainstack.plan import Plan
from brainstack.records import Section
from brainstack.said import MaskApproval
from brainstack.stamps import Stamps, Step, digest


class MaskChangedError(BrainstackError):
    """Somebody else changed the same mask meanwhile; nothing was overwritten."""

    status = 409


@dataclass(frozen=True)
class SavedMask:
    """A section's mask as the next run takes it. mask : (rows, columns) uint8, 0 and 255; None where there is none yet.

    waiting : files that people saved and that were not taken in yet. refused : the sentence that says why these cannot
    be used; the mask is then the one in force all the same.
    """

    mask: NDArray[np.uint8] | None
    waiting: tuple[Edit, ...] = ()
    refused: str = ""

    @property
    def version(self) -> str:
        """Digest of the mask, "" where there is none."""
        return "" if self.mask is None else digest(self.mask)


@dataclass(frozen=True)
class EditNote:
    """Who made a mask, "" where they saved it as a file, and when (ISO 8601, UTC). mask : its digest."""

    mask: str
    person: str
    at: str

    def __str__(self) -> str:
        return f"{self.person or 'somebody who saved it as a file'}, {local_time(self.at)}"


# Looking


@dataclass(frozen=True)
class MaskState:
    """What there is to say of a section's mask. version : its digest, "" where there is none. approved : of this very
    mask. approved_before : of another one, which is not in force any more. is_missing : none could be made."""

    section: Section
    version: str
    is_edited: bool
    is_doubtful: bool
    refused: str
    approved: MaskApproval | None
    approved_before: MaskApproval | None
    is_missing: bool = False

    @property
    def word(self) -> str:
        """The one that counts most: "refused", "none", "approved", "doubtful", "edited" or "proposal"."""
        said = {
            "refused": bool(self.refused),
            "none": not self.version or self.is_missing,
            "approved": self.approved is not None,
            "doubtful": self.is_doubtful,
            "edited": self.is_edited,
        }
        return next((word for word, is_so in said.items() if is_so), "proposal")


def mask_states(plan: Plan, approvals: Mapping[str, MaskApproval]) -> list[MaskState]:
    """Of all sections that have images, in order. Reads no image. approvals : as mask_approvals.approvals has them."""
    stamps = Stamps(plan.folder.stamps)
    doubtful = {row.key for row in rows_in_doubt(plan)}
    return [
        _state(plan, version_in_force(plan, stamps, key), approvals, one, is_doubtful=key in doubtful)
        for key, one in plan.section.items()
    ]


def state_of(plan: Plan, section: Section, saved: SavedMask, approvals: Mapping[str, MaskApproval]) -> MaskState:
    """Of one section, whose mask was read."""
    is_doubtful = any(row.key == section.key for row in rows_in_doubt(plan))
    found = _state(plan, saved.version, approvals, section, is_doubtful=is_doubtful)
    is_edited = plan.folder.edit(section.key).exists() or bool(saved.waiting and not saved.refused)
    return replace(found, refused=saved.refused, is_edited=is_edited, is_missing=found.is_missing and not is_edited)


def _state(
    plan: Plan, version: str, approvals: Mapping[str, MaskApproval], section: Section, *, is_doubtful: bool
) -> MaskState:
    approval = approvals.get(section.key)
    holds = approval is not None and version != "" and approval.mask == version
    return MaskState(
        section=section,
        version=version,
        is_edited=section.key in plan.edits,
        is_doubtful=is_doubtful,
        refused=plan.refused.get(section.key, ""),
        approved=approval if holds else None,
        approved_before=None if holds else approval,
        is_missing=section.key not in plan.edits and plan.is_blocked(Step("Masks", 0, section.key)),
    )


def saved_mask(plan: Plan, key: str) -> SavedMask:
    """The mask of a section, with what people saved of it since edits were last taken in. Writes nothing."""
    waiting, in_force = edits_waiting(plan, key), mask_in_force(plan, key)
    if not waiting:
        return SavedMask(in_force)
    try:
        return SavedMask(mask_meant(plan, waiting, in_force), waiting)
    except BrainstackError as error:
        return SavedMask(in_force, waiting, str(error))


def proposal(plan: Plan, key: str) -> NDArray[np.uint8] | None:
    """What is proposed for a section, whatever people made of it; None where nothing was yet."""
    path = plan.folder.keyed("proposal", key)
    return np.where(read_tiff(path) > 0, 255, 0).astype(np.uint8) if path.exists() else None


def read_note(plan: Plan, key: str, version: str) -> EditNote | None:
    """Who made the mask of this digest; None where nobody did, as it is the proposal."""
    path, edit = plan.folder.edit_note(key), plan.folder.edit(key)
    note = EditNote(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None
    if note is not None and note.mask == version:
        return note
    if not edit.exists():
        return None
    return EditNote(version, "", datetime.fromtimestamp(edit.stat().st_mtime, UTC).isoformat(timespec="seconds"))


# Changing


def set_mask(plan: Plan, key: str, image: NDArray[Any], *, person: str, based_on: str | None = None) -> str:
    """Keep a mask as the one that a person made of a section. Returns its version.

    image : as `checked_mask` takes it. based_on : version of the mask that theirs is made from; None for whatever is
    there. Raises BrainstackError for what cannot be a mask of this section, and MaskChangedError where the mask in
    force is another one than theirs is made from.
    """
    name = f"The mask of section {plan.section[key].number}"
    mask = np.where(checked_mask(image, shape=mask_shape(plan, key), name=name), 255, 0).astype(np.uint8)
    check_tissue(mask, name)
    version = digest(mask)
    with editing(plan.folder):
        before = saved_mask(plan, key)
        _check_seen(plan, key, before, based_on, version)
        if version != before.version or before.waiting or before.refused:
            write_tiff(plan.folder.edit(key), mask, plan.pixel_size_um)
            write_json(plan.folder.edit_note(key), asdict(EditNote(version, person, _now())))
            _done_with(plan, key, before)
    return version


def back_to_proposal(plan: Plan, key: str, *, based_on: str | None = None) -> str:
    """Take away what people made of a section's mask, so that the proposal is in force again. Returns its version.

    Raises BrainstackError where there is nothing to take away, and MaskChangedError as `set_mask`.
    """
    with editing(plan.folder):
        before = saved_mask(plan, key)
        _check_seen(plan, key, before, based_on, "")
        if not plan.folder.edit(key).exists() and not before.waiting:
            raise BrainstackError(f"The mask of section {plan.section[key].number} is the proposal; nothing changed.")
        plan.folder.edit(key).unlink(missing_ok=True)
        plan.folder.edit_note(key).unlink(missing_ok=True)
        _done_with(plan, key, before)
        return saved_mask(plan, key).version


def _check_seen(plan: Plan, key: str, before: SavedMask, based_on: str | None, new: str) -> None:
    """Raise MaskChangedError where a person worked on another mask than there is. One that is there already is no
    conflict: it was sent twice."""
    if based_on is None or before.version in (based_on, new):
        return
    note = read_note(plan, key, before.version) if not before.waiting else EditNote(before.version, "", _now())
    who = f"was changed meanwhile ({note})" if note else "is the proposal again, or a new one"
    raise MaskChangedError(
        f"The mask of section {plan.section[key].number} {who}, and nothing was overwritten; take that one, or put "
        "yours over it."
    )


def _done_with(plan: Plan, key: str, before: SavedMask) -> None:
    """What waited is in the mask that was kept; a file that could not be used is put aside, with ~ behind its name."""
    for edit in before.waiting:
        if before.refused:
            edit.path.replace(edit.numbered.with_name(f"{edit.numbered.name}~"))
        else:
            edit.path.unlink(missing_ok=True)
    plan.folder.keyed("thumbnail_colored", key).unlink(missing_ok=True)  # it shows the mask before


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def export_mask(plan: Plan, key: str, path: Path) -> None:
    """Write the mask of a section as it is in force: as TIFF, with the size of a pixel, or as PNG. Raises
    BrainstackError where there is none, and for another suffix."""
    mask = saved_mask(plan, key).mask
    if mask is None:
        raise BrainstackError(
            f"Section {plan.section[key].number} has no mask yet; run it first: luigi --module tasks Masks --animal "
            f"{plan.folder.prep_id}"
        )
    if path.suffix.lower() not in (".tif", ".tiff", ".png"):
        raise BrainstackError(f"{path} does not end in .tif or .png; wanted the name of a TIFF or PNG.")
    if path.suffix.lower() != ".png":
        write_tiff(path, mask, plan.pixel_size_um)
        return
    with whole_file(path) as part:
        part.write_bytes(encoded(mask, "png"))
