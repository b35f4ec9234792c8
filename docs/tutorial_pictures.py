"""Go through docs/tutorial.md and make its pictures where they stand: python docs/tutorial_pictures.py FOLDER

FOLDER becomes the data root, and is to be empty. What commands print is printed, to be compared with the page. Needs
Chromium with its driver.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from blocks import Block, blocks
from numpy.typing import NDArray
from pictures import PICTURES, grey, write

from brainstack.files.tiff import read_tiff
from brainstack.plan import Plan
from brainstack.planning import look

DOCS = Path(__file__).parent
CHECKOUT = DOCS.parent
FIRST_SECTIONS = range(8)
MENDED = 6
"""The section whose mask the page mends."""


def main(folder: str) -> None:
    root = Path(folder).absolute()
    os.environ["BRAINSTACK_DATA_ROOT"] = str(root)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for block in blocks((DOCS / "tutorial.md").read_text(encoding="utf-8")):
        do(block, root)


def do(block: Block, root: Path) -> None:
    """As a person does it who keeps data in `root`."""
    if block.language == "bash":
        for command in block.commands:
            run(command.replace("data/", f"{root}/"))
    elif block.language == "python":
        subprocess.run([sys.executable, "-c", block.text.replace("data/", f"{root}/")], check=True)
    elif block.language == "picture":
        write(Path(block.text).stem, MAKERS[Path(block.text).stem](look("DEMO"), root))


def run(command: str) -> None:
    if command.startswith((". ", "brainstack view")):
        return
    sys.stdout.write(f"\n$ {command}\n")
    sys.stdout.flush()
    if command == "make demo":
        run("brainstack demo")
        run("luigi --module tasks Animal --animal DEMO --local-scheduler")
    else:
        subprocess.run(["bash", "-c", command], cwd=CHECKOUT, stdin=subprocess.DEVNULL, check=True)


def viewer(plan: Plan, root: Path) -> NDArray[np.uint8]:
    """What `brainstack screenshot` wrote."""
    return cv2.imread(str(root / "demo.png"))[..., ::-1]


def mended(plan: Plan, root: Path) -> NDArray[np.uint8]:
    """What a run draws of the stack."""
    return fit(cv2.imread(str(plan.folder.alignment_picture("views")))[..., ::-1])


def sections(plan: Plan, root: Path) -> NDArray[np.uint8]:
    """The first sections as they lie on their slides, in two rows, with their numbers."""
    images = [read_tiff(plan.folder.keyed("normalized", plan.sections[one].key, 1)) for one in FIRST_SECTIONS]
    height, width = (max(image.shape[side] for image in images) for side in (0, 1))
    cells = []
    for number, image in enumerate(images):
        cell = np.pad(image, ((0, height - image.shape[0]), (0, width - image.shape[1])))
        cv2.putText(cell, str(number), (8, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 255, 2, cv2.LINE_AA)
        cells.append(cv2.copyMakeBorder(cell, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=255))
    half = len(cells) // 2
    page = np.vstack([np.hstack(cells[:half]), np.hstack(cells[half:])])
    return fit(grey(page) if page.dtype != np.uint8 else page)


def mask(plan: Plan, root: Path) -> NDArray[np.uint8]:
    """The section that is mended, with its outline, beside the mask in force."""
    key = plan.sections[MENDED].key
    drawn = read_tiff(plan.folder.keyed("thumbnail_colored", key))
    in_force = read_tiff(plan.folder.keyed("thumbnail_masked", key))
    return fit(np.hstack([drawn, np.dstack([in_force] * 3)]))


def fit(picture: NDArray[np.uint8], width: int = 1280) -> NDArray[np.uint8]:
    size = (width, round(picture.shape[0] * width / picture.shape[1]))
    larger = picture.shape[1] < width
    return cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC if larger else cv2.INTER_AREA).astype(np.uint8)


MAKERS: dict[str, Callable[[Plan, Path], NDArray[np.uint8]]] = {
    "tutorial_viewer": viewer,
    "tutorial_sections": sections,
    "tutorial_mask_before": mask,
    "tutorial_mask_after": mask,
    "tutorial_mended": mended,
}
"""Name of a picture of the page -> how it is made."""


if __name__ == "__main__":
    assert PICTURES.is_dir()
    main(*sys.argv[1:])
