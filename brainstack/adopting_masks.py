"""The lab's hand-edited masks: they become the edits of brainstack's sections."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainstack.edits import mask_in
from brainstack.errors import BrainstackError
from brainstack.files.tiff import write_tiff
from brainstack.files.whole import write_json
from brainstack.images.fitting import fit_rounding
from brainstack.links import is_own_file, read_order
from brainstack.plan import Plan

MASK = re.compile(r"\d{3,}\.tif")
MOST_WRONG = 0.5
"""Share of masks that may not fit. Where more do not, the order of the sections is another, and those that fit do so
by chance."""


def adopt_masks(plan: Plan, *, dry: bool) -> tuple[int, int, list[str]]:
    """Keep the lab's masks as their sections' edits. An edit that is there already is left as it is.

    Returns how many were kept, how many sections had an edit, and a sentence for each that was refused.
    dry : write nothing.
    """
    files = _lab_masks(plan, dry=dry)
    try:
        whose = _whose(plan, files)
    except BrainstackError as error:
        return 0, 0, [str(error)]
    masks: dict[str, NDArray[np.uint8]] = {}
    refused: list[str] = []
    before = 0
    for number, key in whose.items():
        if plan.folder.edit(key).exists():
            before += 1
        elif number in files:
            try:
                masks[key] = _read_mask(plan, key, files[number])
            except BrainstackError as error:
                refused.append(str(error))
    if len(refused) > MOST_WRONG * len(files):
        refused = [
            f"{len(refused)} of {len(files)} masks do not fit their sections, so that none is taken; the order of the "
            "sections is probably another: see --side-sectioned-first of `brainstack animal set`, then adopt again. "
            f"The first: {refused[0]}"
        ]
        masks = {}
    elif not dry and masks:
        if not plan.folder.adopted.exists():  # before the first mask: numbers may mean other sections later
            write_json(plan.folder.adopted, whose)
        for key, mask in masks.items():
            write_tiff(plan.folder.edit(key), mask, plan.pixel_size_um)
    return len(masks), before, refused


def _lab_masks(plan: Plan, *, dry: bool) -> dict[str, Path]:
    """The lab's masks by their number, such as "012", from the first folder that has any."""
    folders = list(plan.folder.lab_masks(plan.settings.masks.channel))
    if dry and not read_order(plan.folder):
        folders.insert(1, plan.folder.numbered("thumbnail_masked", 0).parent)  # from where they would be moved
    for folder in folders:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
        found = {path.stem: path for path in paths if is_own_file(path) and MASK.fullmatch(path.name)}
        if found:
            return found
    return {}


def _whose(plan: Plan, files: dict[str, Path]) -> dict[str, str]:
    """The section of each mask: number -> key; as decided when the first was adopted.

    Raises BrainstackError where masks and sections cannot be put together.
    """
    if plan.folder.adopted.exists():
        decided: dict[str, str] = json.loads(plan.folder.adopted.read_text())
        return {number: key for number, key in decided.items() if key in plan.section}
    if not files:
        return {}
    folder = next(iter(files.values())).parent
    if len(files) != len(plan.section):
        raise BrainstackError(
            f"{folder} has {len(files)} masks, but {plan.folder.prep_id} has {len(plan.section)} sections that are "
            "not gaps; wanted as many, so that it is known whose each is; say which scenes are bad with "
            "`brainstack animal set`, and adopt again."
        )
    wanted = [f"{number:03d}" for number in range(len(files))]
    if list(files) != wanted:
        strange = next(found for found, number in zip(files, wanted, strict=True) if found != number)
        raise BrainstackError(
            f"{folder} has a mask {strange}.tif out of the row; wanted 000.tif to {wanted[-1]}.tif without a hole; "
            "give them these names, and adopt again."
        )
    return dict(zip(files, plan.section, strict=True))


def _read_mask(plan: Plan, key: str, path: Path) -> NDArray[np.uint8]:
    """A mask at the size of its section's thumbnail, 0 and 255. Raises BrainstackError for one that does not fit."""
    return mask_in(path, plan, key, fit=fit_rounding)  # the lab rounds sizes its own way
