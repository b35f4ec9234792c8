"""Writes what the docs take from the code: the stages with their picture, settings, commands, tables of the database.

`make docs` runs it. A test runs it too, and fails where what it would write is not what is there.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from brainstack.animal_folder import AnimalFolder
from brainstack.labels import SECTIONS, LabelSource
from brainstack.plan import Plan
from brainstack.records import Animal, AnimalRecords, Channel, Histology, ScanRun, Slide, SlideScene
from brainstack.settings import Settings, load_settings
from brainstack.slide_names import CziFile
from brainstack.stages import ASKED_FOR, IMAGES, STAGES

REPOSITORY = Path(__file__).parent.parent
sys.path.insert(0, str(REPOSITORY / "docs"))

from writers.commands import commands_page  # noqa: E402
from writers.settings import Setting, settings, settings_page  # noqa: E402
from writers.tables import tables_page  # noqa: E402

__all__ = ["Setting", "settings"]  # tests look at the settings' comments
FOR_PEOPLE = ("MaskProposal", "Masks")
"""Stages whose images a person paints on: drawn with a thick edge."""
PER = {
    "slide": "slide",
    "slide_and_channel": "slide and channel",
    "section": "section",
    "section_and_channel": "section and channel",
    "pair": "pair of sections near each other",
    "finer_pair": "pair of neighbours, where a setting asks for it",
    "deformed": "section, where a setting asks for it",
    "section_that_is_held": "section, where a setting asks for it",
    "channel": "channel",
    "grey_channel": "channel",
    "colour_channel": "channel, in colour",
    "animal": "animal",
    "layer_of_labels": "layer of labels",
    "layer_of_points": "layer of points",
    "slab": "slab of sections and channel",
    "group": "group of blocks and channel",
    "export": "format and resolution",
    "section_of_export": "section, for each format and resolution",
    "group_of_slab": "group of blocks of a slab, and channel",
    "no_step": "section and channel",
}
"""Function of brainstack.stages that lists a stage's steps -> in words. "no_step" is SingleHistogram's."""


def pages() -> dict[Path, str]:
    """Each file that is written, with its text."""
    readme = REPOSITORY / "README.md"
    return {
        readme: between_marks(readme.read_text(encoding="utf-8"), "stages", diagram()),
        REPOSITORY / "docs" / "stages.md": stages_page(),
        REPOSITORY / "docs" / "settings.md": settings_page(),
        REPOSITORY / "docs" / "commands.md": commands_page(),
        REPOSITORY / "docs" / "tables.md": tables_page(),
    }


def between_marks(text: str, mark: str, new: str) -> str:
    pattern = rf"(<!-- {mark}: written by docs/write.py -->\n).*?(<!-- end of {mark} -->)"
    return re.sub(pattern, lambda found: found[1] + new + found[2], text, flags=re.DOTALL)


# Stages


OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "as shipped": {},
    "midline": {"shape": {"held_by": "midline"}},
    "outline": {"shape": {"held_by": "outline"}},
    "reference": {"shape": {"held_by": "reference"}},
    "finer": {"elastix": {"finer_factor": 8}, "deformation": {"grid_um": 1000.0}},
}
"""Settings that ask for stages which are not made as shipped: table -> name -> value."""


def example(pixel_type: str, options: dict[str, dict[str, Any]] | None = None) -> Plan:
    """An animal of two slides with a section each, a mask that a person made, and two channels: enough for every kind
    of step."""
    channels = (Channel(1, "first"), Channel(2, "second"))
    slides = tuple(
        Slide(f"slide{number:03d}.czi", number, 1, "Good", (SlideScene(1, 0, 100, 100),), channels, pixel_type)
        for number in (1, 2)
    )
    records = AnimalRecords(Animal("DK39"), Histology("DK39"), ScanRun("DK39", "czi", 0.325), slides)
    czi_files = tuple(CziFile(slide.file_name, 1, 1) for slide in slides)
    content = load_settings().model_dump()
    for table, values in (options or {}).items():
        content[table] |= values
    edits = {"slide001_S1": "painted"}
    return Plan(
        AnimalFolder(Path("DK39")),
        records,
        Settings.model_validate(content),
        czi_files,
        edits,
        points={"cells": "made up"},
        labels={"nuclei": LabelSource("nuclei", SECTIONS)},
    )


def reads() -> dict[str, list[str]]:
    """Stage -> the stages whose results it reads, in grey or in colour, both in the order of STAGES."""
    plans = [example(pixel_type, options) for pixel_type in ("Gray16", "Bgr24") for options in OPTIONS.values()]
    found = {
        stage: {one.step.stage for plan in plans for step in (*plan.steps(stage), *plan.asked(stage))
                for one in STAGES[stage].inputs(plan, step)}
        for stage in STAGES
    }  # fmt: skip
    found["SingleHistogram"] = set(IMAGES.values())
    found["DifferentMesh"] = {"Shell", "NeuroglancerMesh"}
    return {stage: [one for one in STAGES if one in found[stage]] for stage in STAGES}


def edges() -> list[tuple[str, str]]:
    """Arrows of the picture: what each stage reads, without what follows from other arrows."""
    direct = reads()

    def all_before(stage: str) -> set[str]:
        return set(direct[stage]).union(*(all_before(one) for one in direct[stage]))

    return [
        (source, stage)
        for stage in STAGES
        for source in direct[stage]
        if stage not in ASKED_FOR and not any(source in all_before(other) for other in direct[stage])
    ]


def per(stage: str) -> str:
    """What one step of a stage is for."""
    one = STAGES[stage]
    listed = one.asked if stage in ASKED_FOR else one.per
    words = "mesh of a layer" if stage == "DifferentMesh" else PER[listed.__name__]
    return words + (", only when asked for" if stage in ASKED_FOR else "")


def diagram() -> str:
    """The picture of the stages, in Mermaid."""
    shown = [stage for stage in STAGES if stage not in ASKED_FOR]
    nodes = [f'    {stage}["{stage}<br><small>{per(stage)}</small>"]' for stage in shown]
    arrows = [f"    {source} --> {stage}" for source, stage in edges()]
    people = ["    classDef people stroke-width:4px", f"    class {','.join(FOR_PEOPLE)} people"]
    ends = ["    scans([slide scans]) --> Meta", "    Downsampling --> neuroglancer([Neuroglancer])"]
    ends += [f"    {stage} --> neuroglancer" for stage in ("Shell", "NeuroglancerMesh", "PointVolume")]
    return "\n".join(["```mermaid", "flowchart TD", *nodes, *arrows, *ends, *people, "```", ""])


def stages_page() -> str:
    import tasks

    rows = [
        f"| {explained(stage)} | {per(stage)} | {sentence(getattr(tasks, stage))} "
        f"| {', '.join(before) or 'the CZI'} | {', '.join(f'`{one}`' for one in STAGES[stage].settings)} |"
        for stage, before in reads().items()
    ]
    head = (
        "# The stages\n\n"
        "Written by `make docs` from `brainstack/stages/` and the tasks. *Per* says what one step is. A step is\n"
        "made again when something that it reads, one of its settings, or the version of its algorithm changes: see\n"
        "[done, stale, failed](done-and-stale.md). Each stage is also a command, with all that it needs:\n"
        "`luigi --module tasks Masks --animal DK39`. Its name leads to what it computes, and how.\n\n"
        "| stage | per | what it does | reads | settings |\n|---|---|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def explained(stage: str) -> str:
    """The name of a stage, which leads to its part of docs/algorithms.md where there is one."""
    page = (REPOSITORY / "docs" / "algorithms.md").read_text(encoding="utf-8")
    for heading in re.findall(r"^### (.+)$", page, re.MULTILINE):
        if stage in heading.split(", "):
            return f"[{stage}](algorithms.md#{heading.lower().replace(', ', '-')})"
    return stage


def sentence(task: type) -> str:
    """The first paragraph of a task's docstring."""
    return " ".join((task.__doc__ or "").strip().partition("\n\n")[0].split())


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
