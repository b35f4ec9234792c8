"""What people paint: found where they saved it, checked, and kept under the section's key.

A person opens preps/masks/thumbnail_colored/012.tif (white paint adds, black removes) or thumbnail_masked/012.tif and
saves. Some programs write through the link, others put a new file in its place: both are found. An edit that cannot be
used stays where it is, with a sentence that says why.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainstack.errors import BrainstackError
from brainstack.files.tiff import read_saved_tiff, read_tiff, write_tiff
from brainstack.files.whole import write_json
from brainstack.images.fitting import fit_factor
from brainstack.images.paint import check_tissue, checked_mask, mask_from_paint, preview
from brainstack.intake import read_seen, seen_name, signature_of
from brainstack.links import is_own_file, read_order
from brainstack.locking import editing
from brainstack.plan import Plan
from brainstack.stages import scanned_shape
from brainstack.stamps import Stamps, Step, digest

KEY = re.compile(r"slide\d+(_rescan\d+)?_S\d+(_copy\d+)?\.tif")
MOST_NAMED = 5
MADE_BY = {"thumbnail_colored": "MaskProposal", "thumbnail_masked": "Masks"}


def take_in_edits(plan: Plan, *, dry: bool = False) -> tuple[dict[str, str], dict[str, str]]:
    """All edits of masks: section key -> digest of the mask, and section key -> why an edit cannot be used.

    dry : look only, and write nothing.
    """
    if dry:
        return _take_in(plan, dry=True)
    with editing(plan.folder):
        return _take_in(plan, dry=False)


def _take_in(plan: Plan, *, dry: bool) -> tuple[dict[str, str], dict[str, str]]:
    edits = _edits_kept(plan)
    refused: dict[str, str] = {}
    found: dict[str, list[Edit]] = {}
    for edit in _edits_found(plan, dry=dry):
        found.setdefault(edit.key, []).append(edit)
    for key, some in found.items():
        try:
            in_force = mask_in_force(plan, key)
            for edit in _saying_nothing(some, in_force):
                some.remove(edit)
                if not dry:
                    edit.path.unlink()
            mask = _mask_of(plan, some, in_force)
        except BrainstackError as error:
            refused[key] = str(error)
            for edit in some:
                if not dry and edit.path != edit.numbered:  # from where a stage writes to where only people do
                    edit.path.replace(edit.numbered)
            continue
        if in_force is None or not np.array_equal(mask, in_force):
            edits[key] = digest(mask)
            if not dry:
                write_tiff(plan.folder.edit(key), mask, plan.pixel_size_um)
                plan.folder.keyed("thumbnail_colored", key).unlink(missing_ok=True)  # it shows the mask before
        if not dry:
            for edit in some:
                edit.path.unlink(missing_ok=True)
    return edits, refused


def _saying_nothing(some: Sequence[Edit], in_force: NDArray[np.uint8] | None) -> list[Edit]:
    """Masks beside a painting that are still the one in force."""
    return [one for one in some[1:] if in_force is not None and _content(one.path) == digest(in_force)]


def edits_waiting(plan: Plan, key: str) -> tuple[Edit, ...]:
    """Files that people saved of a section since edits were last taken in. Writes nothing."""
    return tuple(_edits_found(plan, dry=True, keys=(key,)))


def mask_meant(plan: Plan, waiting: Sequence[Edit], in_force: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """The mask that the next run takes from what waits of a section: (rows, columns) uint8, 0 and 255.

    Raises BrainstackError for what cannot be used.
    """
    nothing_said = _saying_nothing(waiting, in_force)
    return _mask_of(plan, [one for one in waiting if one not in nothing_said], in_force)


def keep_if_edited(plan: Plan, kind: str, key: str, new: NDArray[Any]) -> Path | None:
    """Move a file aside that a person saved through its link since edits were last taken in, before a stage writes it
    anew. It then stands at its number, from where the next look takes it in.

    new : the image that the stage is about to write. Returns where the person's file is now, None where there is none.
    """
    keyed, numbered = plan.folder.keyed(kind, key), plan.folder.numbered(kind, plan.section[key].number)
    if not keyed.is_file() or signature_of(keyed) == read_seen(plan.folder).get(seen_name(keyed)):
        return None
    if is_own_file(numbered):  # saved in place of the link, and so later than through it
        return None
    if _content(keyed) == digest(new):  # by this stage, when it was tried before
        return None
    keyed.replace(numbered)
    return numbered


def edited_mask(plan: Plan, key: str) -> NDArray[np.uint8]:
    """The mask that a person made of a section, as it is kept for it: (rows, columns) uint8, 0 and 255.

    One that was made at another thumbnail factor is brought to the size that thumbnails have now.
    Raises BrainstackError for a file that cannot be a mask of this section.
    """
    return mask_in(plan.folder.edit(key), plan, key, fit=fit_factor)


class EditedMeanwhileError(BrainstackError):
    """A person's mask is another one than when the run last looked: it is made when the run looks again."""


def planned_mask(plan: Plan, key: str) -> NDArray[np.uint8]:
    """As `edited_mask`. Raises EditedMeanwhileError where the mask is not the one that the plan speaks of."""
    mask = edited_mask(plan, key) if plan.folder.edit(key).exists() else None
    if mask is None or digest(mask) != plan.edits[key]:
        raise EditedMeanwhileError(
            f"The mask of {key} was edited during this run; run the same command again to have it made."
        )
    return mask


def mask_in(path: Path, plan: Plan, key: str, *, fit: Callable[..., NDArray[Any]]) -> NDArray[np.uint8]:
    """A mask that another program saved, at the size of its section's thumbnail: (rows, columns) uint8, 0 and 255.

    fit : of images/fitting.py, for one of another size. Raises BrainstackError for one that does not fit.
    """
    scan_shape, factor = scanned_shape(plan, key), plan.settings.tifs.thumbnail_factor
    mask = fit(read_saved_tiff(path), scan_shape=scan_shape, factor=factor)
    return np.where(checked_mask(mask, shape=mask_shape(plan, key), name=str(path)), 255, 0).astype(np.uint8)


def mask_shape(plan: Plan, key: str) -> tuple[int, int]:
    """(rows, columns) of a section's mask: those of its thumbnail."""
    rows, columns = scanned_shape(plan, key)
    factor = plan.settings.tifs.thumbnail_factor
    return -(-rows // factor), -(-columns // factor)


def _edits_kept(plan: Plan) -> dict[str, str]:
    """Section key -> digest of the mask in the folder of edits. One that cannot be used counts as another mask: the
    stages that read it say why, and the mask made before stays."""
    edits = {}
    for path in sorted(plan.folder.edit("x").parent.glob("[!.]*.tif")):
        key, stat = path.stem, path.stat()
        state = (str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns)
        fitted = (scanned_shape(plan, key), plan.settings.tifs.thumbnail_factor) if key in plan.section else None
        known = _KNOWN.get((state, fitted))
        if known is None:
            known = _KNOWN[state, fitted] = _digest_of(plan, path)
        edits[key] = known
    return edits


_KNOWN: dict[tuple[Any, Any], str] = {}
"""Digests of kept edits, by the state of their file and by what they are fitted to: the review page looks often, and an
animal may have hundreds."""


def _digest_of(plan: Plan, path: Path) -> str:
    try:
        return digest(edited_mask(plan, path.stem) if path.stem in plan.section else read_tiff(path))
    except BrainstackError as error:
        return digest(str(error))


def passed_over(plan: Plan) -> list[str]:
    """A sentence for each folder with files that people saved under names of no section; none of them is taken in."""
    lines = []
    for kind in MADE_BY:
        folder = plan.folder.numbered(kind, 0).parent
        known = {plan.folder.numbered(kind, section.number).name for section in plan.section.values()}
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
        strange = [path.name for path in paths if path.name not in known and not _is_ours(path) and is_own_file(path)]
        if strange:
            more = f" and {len(strange) - MOST_NAMED} more" if len(strange) > MOST_NAMED else ""
            lines.append(
                f"{folder} has files that are no section's and are passed over: "
                f"{', '.join(strange[:MOST_NAMED])}{more}; an edit of section 12 is called 012.tif: save it so, or "
                "delete it"
            )
    return lines


def _is_ours(path: Path) -> bool:
    """True for a part of a file, or what other programs hide, and for an edit that waits for its section's place."""
    return path.name.startswith(".") or path.name.endswith("~") or KEY.fullmatch(path.name) is not None


@dataclass(frozen=True)
class Edit:
    """A file that a person changed. numbered : what they call it. path : where it is, there or under the key."""

    kind: str
    key: str
    numbered: Path
    path: Path


def _edits_found(plan: Plan, *, dry: bool, keys: Collection[str] = ()) -> Iterator[Edit]:
    """Files that differ from what brainstack wrote. A section's mask comes after its painting, as it says more.

    keys : of these sections only, for whoever only looks; all where there are none.
    """
    folder = plan.folder
    seen = read_seen(folder)
    stamps = Stamps(folder.stamps)
    now: dict[str, Any] = dict(seen)  # what has no place in the stack for a while stays known
    order = [(number, key) for number, key in read_order(folder).items() if not keys or key in keys]
    for kind, (number, key) in itertools.product(MADE_BY, order):
        numbered, keyed = folder.numbered(kind, number), folder.keyed(kind, key)
        name = seen_name(keyed)
        if is_own_file(numbered):  # what lies under the key is still as brainstack wrote it
            yield Edit(kind, key, numbered, numbered)
        elif keyed.is_file():
            signature, before = signature_of(keyed), seen.get(name)
            step = Step(MADE_BY[kind], 0, key)
            if before == signature or _is_as_written(stamps, step, keyed, known=before is not None):
                now[name] = signature
            else:
                now.pop(name, None)
                yield Edit(kind, key, numbered, keyed)
        else:
            now.pop(name, None)
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


def _mask_of(plan: Plan, edits: Sequence[Edit], in_force: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """The mask that a person meant, 0 and 255. Raises BrainstackError where it cannot be used.

    edits : of one section: a painting, a mask, or both, the mask last; of a mask beside a painting, what differs from
    the mask in force is put upon what was painted.
    """
    grey = read_tiff(plan.folder.keyed("normalized", edits[0].key, plan.settings.masks.channel))
    before = np.zeros(grey.shape[:2], bool) if in_force is None else in_force > 0
    mask = before
    for edit in edits:
        if edit.kind == "thumbnail_masked":
            by_hand = checked_mask(_read(edit), shape=(grey.shape[0], grey.shape[1]), name=str(edit.numbered))
            mask = np.where(by_hand != before, by_hand, mask) if len(edits) > 1 else by_hand
        else:
            mask = _painted(edit, grey, before)
    if not mask.any():
        raise BrainstackError(
            f"{edits[0].numbered}: nothing is left of the mask; leave some tissue, or mark the scene as bad."
        )
    check_tissue(mask, str(edits[0].numbered))
    return np.where(mask, 255, 0).astype(np.uint8)


def _painted(edit: Edit, grey: NDArray[np.uint8], before: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The mask in force with what a person painted on its picture."""
    saved = _read(edit)
    plain = preview(grey, np.zeros_like(before))
    try:
        return mask_from_paint(saved, preview(grey, before), before, plain)
    except BrainstackError as error:
        raise BrainstackError(f"{edit.numbered}: {error}") from error


def _read(edit: Edit) -> NDArray[Any]:
    """What a person saved, read by the name that they know it by."""
    leads_there = edit.numbered.exists() and edit.numbered.samefile(edit.path)
    return read_saved_tiff(edit.numbered if leads_there else edit.path)


def mask_in_force(plan: Plan, key: str) -> NDArray[np.uint8] | None:
    """What a person made of a section's mask so far, else the proposal; None where there is neither."""
    edit, proposal = plan.folder.edit(key), plan.folder.keyed("proposal", key)
    if edit.exists() and key in plan.section:
        return edited_mask(plan, key)
    for path in (edit, proposal):
        if path.exists():
            return np.where(read_tiff(path) > 0, 255, 0).astype(np.uint8)
    return None
