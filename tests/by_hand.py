"""Plans made by hand, without slides: records as the database gives them, and stamps as a run would leave them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from pylibCZIrw import czi as pylibczi

from brainstack.animal_folder import AnimalFolder
from brainstack.approval import known_value
from brainstack.plan import Plan, digest_of
from brainstack.records import Animal, AnimalRecords, Channel, Histology, ScanRun, Slide, SlideScene
from brainstack.settings import Settings, load_settings
from brainstack.slide_names import CziFile
from brainstack.stages import STAGES
from brainstack.stamps import Stamp, Stamps, Step, digest

CHANNELS = (Channel(1, "DAPI"), Channel(2, "GFP"))


def slide(
    number: int,
    scenes: int = 2,
    *,
    status: str = "Good",
    rescan: int = 1,
    dropped: tuple[int, ...] = (),
    **decided: dict[int, Any],
) -> Slide:
    """decided : qc, order, replicates: scene's number -> what a person said. dropped : numbers of scenes."""
    found = (SlideScene(scene, scene - 1, 60, 40) for scene in range(1, scenes + 1) if scene not in dropped)
    return Slide(
        f"DK39_slide{number:03d}{f'_rescan{rescan}' if rescan > 1 else ''}.czi",
        number,
        rescan,
        status,
        tuple(
            dataclasses.replace(one, **{name: said[one.number] for name, said in decided.items() if one.number in said})
            for one in found
        ),
        CHANNELS,
    )


def plan_of(root: Path, slides: Iterable[Slide], **others: Any) -> Plan:
    """others : fields of Plan, Histology or ScanRun that differ."""
    slides = tuple(slides)
    files = tuple(CziFile(one.file_name, 1000, 1) for one in sorted(slides, key=lambda one: one.file_name))
    scan_run = replaced(ScanRun("DK39", "/scans", 10.0), others)
    histology = replaced(Histology("DK39"), others)
    records = AnimalRecords(Animal("DK39"), histology, scan_run, slides)
    plan = Plan(AnimalFolder(root / "DK39"), records, settings_with(tifs={"thumbnail_factor": 1}), files)
    return replaced(plan, others)


def replaced(record: Any, changes: dict[str, Any]) -> Any:
    names = {field.name for field in dataclasses.fields(record)}
    return dataclasses.replace(record, **{name: value for name, value in changes.items() if name in names})


def settings_with(**tables: dict[str, Any]) -> Settings:
    """The shipped settings with some values changed: table -> name -> value."""
    content = load_settings().model_dump()
    for table, values in tables.items():
        content[table] |= values
    return Settings.model_validate(content)


def all_steps(plan: Plan, asked: Iterable[str] = ()) -> list[Step]:
    """Every step, inputs before what reads them. asked : stages that somebody asks for."""
    ordered: dict[Step, None] = {}

    def visit(step: Step) -> None:
        if step not in ordered and not plan.is_blocked(step):
            for one in plan.inputs(step):
                visit(one.step)
            ordered[step] = None

    for step in (step for stage in STAGES for step in plan.steps(stage)):
        visit(step)
    for step in (step for stage in asked for step in plan.asked(stage)):
        visit(step)
    return list(ordered)


BY_VALUE = {
    "Masks", "Gain", "WhitePoint", "ChannelHistogram", "Canvas", "Elastix", "PairRetry",
}  # fmt: skip
"""Stages whose whole result goes on by value."""


def values_of(plan: Plan, step: Step, other: dict[Step, str]) -> dict[str, str]:
    """What a step would say its result is: always the same, but for those in `other` and what is approved."""
    if (approved := known_value(plan, step)) is not None:
        return {"": approved}
    if step.stage == "Transforms":
        return {key: digest([key, other.get(step, "")]) for key in ("canvas", *plan.chain)}
    if step.stage == "PairCheck":
        pairs = [one.step.item for one in plan.inputs(step)]
        return {part: digest([part, other.get(step, "")]) for part in ("", "mirrored", *pairs)}
    if step.stage == "MaskCheck":
        return {key: digest([key, other.get(step, "")]) for key in ("", *plan.section)}
    if step.stage in ("NeuroglancerInfo", "FullInfo"):
        return {part: digest([str(step), part, other.get(step, "")]) for part in ("", "levels")}
    if step.stage in ("MaskSearch", "MaskProposal"):
        return {part: digest([str(step), part, other.get(step, "")]) for part in ("", "shape")}
    if step.stage in BY_VALUE:
        return {"": digest([str(step), other.get(step, "")])}
    return {}


RECORD = '{"token": "", "blocks": []}'
"""Of a piece of a volume in which nothing is."""


class StampsInMemory(Stamps):
    """Stamps that no disk has to wait for."""

    def write(self, step: Step, stamp: Stamp) -> None:
        self._known[step] = stamp

    def forget(self, step: Step) -> None:
        pass


def run_by_hand(
    plan: Plan,
    stamps: Stamps,
    other: dict[Step, str] | None = None,
    *,
    files: bool = False,
    asked: Iterable[str] = (),
) -> list[Step]:
    """Do as a run does, without pixels: make what is not as expected. Returns the steps that were made.

    other : steps whose result comes out otherwise than before. files : leave empty files for outputs.
    asked : stages that somebody asks for, which are made with all that they need.
    """
    made = []
    for step in all_steps(plan, asked):
        ingredients, stamp = plan.ingredients(step, stamps), stamps.read(step)
        if stamp is None or stamp.digest != digest_of(step, ingredients):
            for path in STAGES[step.stage].outputs(plan, step) if files else []:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(RECORD if path.parent.name in ("volume", "volume_full") else "")
            stamps.write(step, Stamp(digest_of(step, ingredients), values_of(plan, step, other or {}), ingredients))
            made.append(step)
    return made


def stages_made(steps: Iterable[Step]) -> set[str]:
    return {step.stage for step in steps}


def write_slide(path: Path, *, scenes: int = 2, pixel_um: float | None = 10.0, channels: int = 2) -> None:
    """A small CZI: 64 x 48 pixels a scene."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tile = np.random.default_rng(1).integers(0, 1000, (48, 64, 1)).astype(np.uint16)
    metres = {} if pixel_um is None else {"scale_x": pixel_um * 1e-6, "scale_y": pixel_um * 1e-6}
    with pylibczi.create_czi(str(path)) as writer:
        for scene in range(scenes):
            for channel in range(channels):
                plane = {"C": channel, "T": 0, "Z": 0}
                writer.write(tile, location=(100 * scene, 0), plane=plane, scene=scene)
        names = {number: one.name for number, one in enumerate(CHANNELS[:channels])}
        writer.write_metadata(path.stem, channel_names=names, **metres)
