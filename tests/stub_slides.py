"""Slides without a pixel, for stages that are made up: Meta reads none, and says all the same what is on one."""

from __future__ import annotations

from dataclasses import asdict

from brainstack.intake import record
from brainstack.plan import Plan
from brainstack.records import Channel, Scene, SlideScan
from brainstack.slide_names import slide_number
from brainstack.stages import STAGES
from brainstack.stamps import Step, digest


def say_of_slide(plan: Plan, step: Step, *, scenes: int, channels: int) -> dict[str, str]:
    """What Meta makes of a slide with so many scenes and channels; its values."""
    scan = SlideScan(
        f"{step.item}.czi",
        "Gray16",
        (0.325, 0.325),
        tuple(Channel(number, f"C{number}") for number in range(1, channels + 1)),
        tuple(Scene(number, number - 1, 0, 0, 100, 100) for number in range(1, scenes + 1)),
    )
    content = {"scan": asdict(scan), "slide_number": slide_number(step.item, plan.settings), "file_size": 0}
    record(plan.folder, "slide", content)
    for path in STAGES["Meta"].outputs(plan, step):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return {"": digest(str(step)), "file": digest(str(step))}
