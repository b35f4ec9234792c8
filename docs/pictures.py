"""Make the pictures of docs/pictures.md and docs/report.md from an animal that was run: python docs/pictures.py ABBA

Needs BRAINSTACK_DATA_ROOT as the run had it, and Chromium with its driver for the pictures of pages.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from brainstack.browser import open_browser
from brainstack.files.tiff import read_tiff
from brainstack.images.normalizing import to_8_bit, white_level
from brainstack.plan import Plan
from brainstack.planning import look
from brainstack.screenshot import Layout, write_screenshot

PICTURES = Path(__file__).parent / "pictures"
SECTION = 12
"""The section that single pictures show."""


def main(animal: str) -> None:
    plan = look(animal)
    section = plan.sections[SECTION]
    folder = plan.folder
    write("scene", cv2.imread(str(folder.scene_picture(section.tif_name(1))))[..., 0])
    write("normalized", read_tiff(folder.keyed("normalized", section.key, 1)))
    write("thumbnail_colored", read_tiff(folder.keyed("thumbnail_colored", section.key)))
    write("thumbnail_masked", read_tiff(folder.keyed("thumbnail_masked", section.key)))
    for kind in ("thumbnail_cleaned", "thumbnail_aligned"):
        write(kind, grey(read_tiff(folder.keyed(kind, section.key, 1))))
    write("histogram", cv2.imread(str(folder.keyed("histogram", section.key, 1, ".png")))[..., ::-1])
    write("channel_histogram", cv2.imread(str(folder.histogram(1, animal)))[..., ::-1])
    write("masks_sheet", sheet(plan, "thumbnail_colored"))
    write("aligned_sheet", sheet(plan, "thumbnail_aligned"))
    write_viewer(plan)
    write_report(plan)


def write(name: str, picture: NDArray[np.uint8]) -> None:
    stored = picture if picture.ndim == 2 else picture[..., ::-1]
    cv2.imwrite(str(PICTURES / f"{name}.jpg"), stored, [cv2.IMWRITE_JPEG_QUALITY, 85])


def grey(image: NDArray[np.uint16]) -> NDArray[np.uint8]:
    return to_8_bit(image, white_level(image, 0.002))


def sheet(plan: Plan, kind: str, columns: int = 5, scale: float = 0.4) -> NDArray[np.uint8]:
    """All sections of the stack, in order."""
    channel = None if kind == "thumbnail_colored" else 1
    images = [read_tiff(plan.folder.keyed(kind, key, channel)) for key in plan.section]
    shown = [image if image.ndim == 3 else np.dstack([grey(image)] * 3) for image in images]
    small = [cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for image in shown]
    height, width = (max(image.shape[side] for image in small) for side in (0, 1))
    page = np.zeros((-(-len(small) // columns) * height, columns * width, 3), np.uint8)
    for place, image in enumerate(small):
        row, column = divmod(place, columns)
        page[row * height :, column * width :][: image.shape[0], : image.shape[1]] = image
    return page


def write_viewer(plan: Plan) -> None:
    png = PICTURES / "viewer.png"
    write_screenshot(plan, png, size=(1280, 860), layout=Layout.FOUR_PANELS)
    page = cv2.imread(str(png))
    png.unlink()
    write("viewer", page[..., ::-1])


def write_report(plan: Plan) -> None:
    """The head of the animal's report, and how it begins to show the alignment."""
    with open_browser((1280, 900)) as browser:
        browser.get(plan.folder.report.as_uri())
        rows = "return [...document.querySelectorAll('#animal ~ .facts dd')]"
        for row in browser.execute_script(rows):
            if row.text == plan.records.scan_run.slide_folder_path:  # of the computer that it was made on
                browser.execute_script("arguments[0].textContent = '/scans/ABBA'", row)
        top = "return document.querySelector('#{}').getBoundingClientRect().top"
        sections, alignment = (browser.execute_script(top.format(one)) for one in ("sections", "alignment"))
        for name, clip in (
            ("report", {"x": 0, "y": 0, "width": 1280, "height": min(1250, sections + 330)}),
            ("report_alignment", {"x": 212, "y": alignment - 20, "width": 1020, "height": 1150}),
        ):
            options = {"captureBeyondViewport": True, "clip": clip | {"scale": 0.8}}
            png = base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", options)["data"])
            write(name, cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1])


if __name__ == "__main__":
    main(*sys.argv[1:])
