"""Two made-up stages, as a Luigi module for whole runs and the nodes of their Slurm: Heavy, of each section, which a
cluster makes, and Light, which follows it here. No pixel is read; slides have three sections, S1 to S3.

A section does what `does/<key>` in the animal's folder says: "fails", "waits" for the file `go`, or it is made.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.plan import Plan
from brainstack.stages import STAGES
from brainstack.stages.kinds import Input, Stage
from brainstack.stages.steps import section
from brainstack.stamps import Step

HEAVY, LIGHT = "Heavy", "Light"


def outputs(plan: Plan, step: Step) -> list[Path]:
    return [plan.folder.root / "stubs" / f"{step.stage}-{step.item}"]


STAGES[HEAVY] = Stage(per=section, inputs=lambda plan, step: [], outputs=outputs)
STAGES[LIGHT] = Stage(per=section, inputs=lambda plan, step: [Input(Step(HEAVY, 0, step.item))], outputs=outputs)

from stub_slides import say_of_slide  # noqa: E402

import tasks  # noqa: E402 - what tasks know of the stages, they learn when they are imported
from tasks import cluster  # noqa: E402
from tasks.base import AnimalTask, SectionTask  # noqa: E402
from tasks.cluster import prepare_node, sentence_of  # noqa: E402

__all__ = ["prepare_node", "sentence_of"]

cluster.NODE_MODULE = __name__


class Heavy(SectionTask):
    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        does, root = plan.folder.root / "does" / step.item, plan.folder.root
        said = does.read_text() if does.exists() else ""
        note(plan.folder, "begun", step)
        if said == "fails":
            raise BrainstackError(f"{step.item} is no good.")
        while said == "waits" and not (root / "go").exists():
            time.sleep(0.05)
        return touch(plan, step)


class Light(SectionTask):
    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        return touch(plan, step)


def touch(plan: Plan, step: Step) -> dict[str, str]:
    for path in outputs(plan, step):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    note(plan.folder, "ended", step)
    return {}


def note(folder: AnimalFolder, what: str, step: Step) -> None:
    file = os.open(folder.root / what, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{step.stage}-{step.item}\n".encode())
    os.close(file)


def make_meta(task: AnimalTask, plan: Plan, step: Step) -> dict[str, str]:
    return say_of_slide(plan, step, scenes=3, channels=1)


tasks.Meta.make = make_meta  # type: ignore[method-assign]
