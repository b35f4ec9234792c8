"""A picture of an animal as `brainstack view` shows it, taken without a screen."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

from brainstack.browser import open_browser, picture_of_page
from brainstack.errors import BrainstackError
from brainstack.files.whole import whole_file
from brainstack.plan import Plan
from brainstack.viewer import State
from brainstack.viewer_server import Shown, ViewerServer
from brainstack.viewing import state_of

SMALLEST_PX, LARGEST_PX = 200, 8192


class Layout(StrEnum):
    """Which panels there are, by Neuroglancer's names."""

    FOUR_PANELS = "4panel"
    XY = "xy"
    XZ = "xz"
    YZ = "yz"
    THREE_D = "3d"
    XY_3D = "xy-3d"
    XZ_3D = "xz-3d"
    YZ_3D = "yz-3d"


def write_screenshot(
    plan: Plan, path: Path, *, size: tuple[int, int], layout: Layout, section: int | None = None
) -> None:
    """Write a PNG of the animal's page once it is drawn. size : (width, height) in pixels. section : number of the one
    to be shown, from 0; None for the middle. Raises BrainstackError where it cannot be taken."""
    if path.suffix.casefold() != ".png":
        raise BrainstackError(f"{path} has to end in .png, which is what is written.")
    if section is not None and not 0 <= section < len(plan.sections):
        raise BrainstackError(f"There is no section {section}; the stack has 0 to {len(plan.sections) - 1}.")
    state = changed(state_of(plan), layout, section)
    animals = {plan.folder.prep_id: Shown(plan.folder.neuroglancer_data, lambda: state)}
    with ViewerServer(animals) as server, open_browser(size) as browser:
        picture = picture_of_page(browser, server.url)
    with whole_file(path) as part:
        part.write_bytes(picture)


def changed(state: State, layout: Layout, section: int | None) -> State:
    """The state with other panels, and the middle of another section."""
    x, y, z = state["position"]
    return state | {"layout": layout.value, "position": [x, y, z if section is None else section + 0.5]}


def size_of(text: str) -> tuple[int, int]:
    """(width, height) of a text such as "1280x800"."""
    match = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text, re.ASCII)
    size = (int(match[1]), int(match[2])) if match else (0, 0)
    if not all(SMALLEST_PX <= side <= LARGEST_PX for side in size):
        raise BrainstackError(
            f"The size was given as {text!r}; wanted width and height, {SMALLEST_PX} to {LARGEST_PX} pixels each, such "
            "as 1280x800."
        )
    return size
