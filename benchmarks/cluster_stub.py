"""Made-up stages whose steps only last a while: a Luigi module, for benchmarks/cluster.py and the nodes of its Slurm.

Work01 to Work12 have a step for each section and channel, which needs that of the stage before; before Work05 and
Work09 all of the stage before has to be done. A step sleeps for CLUSTER_STUB_SECONDS and leaves an empty file.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.plan import Plan
from brainstack.stages import STAGES
from brainstack.stages.inputs import all_of
from brainstack.stages.kinds import Input, Stage
from brainstack.stages.steps import animal, section_and_channel
from brainstack.stamps import Step

ANIMAL = "BENCH"
SCENES = 4
COUNT = 12
WORK = tuple(f"Work{number:02d}" for number in range(1, COUNT + 1))
JOINS = {"Work05": "Join05", "Work09": "Join09"}
"""Stages that wait for all of the one before: by a task of the whole animal, which the driver makes."""
SECONDS = float(os.environ.get("CLUSTER_STUB_SECONDS", "0"))


def output(folder: AnimalFolder, step: Step) -> Path:
    return folder.root / "work" / step.stage / f"{step.item}_C{step.channel}"


def inputs(plan: Plan, step: Step) -> list[Input]:
    place = WORK.index(step.stage)
    if not place:
        return []
    join = [Input(Step(JOINS[step.stage]))] if step.stage in JOINS else []
    return [Input(Step(WORK[place - 1], step.channel, step.item)), *join]


def joined(plan: Plan, step: Step) -> list[Input]:
    following = next(name for name, join in JOINS.items() if join == step.stage)
    return list(all_of(plan, WORK[WORK.index(following) - 1]))


def outputs(plan: Plan, step: Step) -> list[Path]:
    return [output(plan.folder, step)]


STAGES |= {name: Stage(per=section_and_channel, inputs=inputs, outputs=outputs) for name in WORK}
STAGES |= {name: Stage(per=animal, inputs=joined, outputs=outputs) for name in JOINS.values()}

from stub_slides import say_of_slide  # noqa: E402

import tasks  # noqa: E402 - what tasks know of the stages, they learn when they are imported
from tasks import cluster  # noqa: E402
from tasks.base import AnimalTask, SectionChannelTask  # noqa: E402
from tasks.cluster import prepare_node, sentence_of  # noqa: E402

__all__ = ["prepare_node", "sentence_of"]


def work(folder: AnimalFolder, step: Step, seconds: float) -> None:
    time.sleep(seconds)
    path = output(folder, step)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def make(task: AnimalTask, plan: Plan, step: Step) -> dict[str, str]:
    work(plan.folder, step, SECONDS if step.stage in WORK else 0)
    return {}


def make_meta(task: AnimalTask, plan: Plan, step: Step) -> dict[str, str]:
    return say_of_slide(plan, step, scenes=SCENES, channels=3)


for name in WORK:
    globals()[name] = type(SectionChannelTask)(name, (SectionChannelTask,), {"make": make, "__module__": __name__})
for name in JOINS.values():
    globals()[name] = type(AnimalTask)(name, (AnimalTask,), {"make": make, "__module__": __name__})
tasks.Meta.make = make_meta  # type: ignore[method-assign]
cluster.NODE_MODULE = __name__


def steps_in_order(sections: int) -> Iterator[Step]:
    """The steps of the first stage, as the jobs of a cluster bundle them."""
    for channel in (1, 2, 3):
        for place in range(sections):
            yield Step(WORK[0], channel, f"slide{place // SCENES + 1:03d}_S{place % SCENES + 1}")


if __name__ == "__main__":  # an element of an array that was submitted by hand: MANIFEST INDEX
    manifest = json.loads(Path(sys.argv[1]).read_text())
    for stage, channel, item in manifest["elements"][int(sys.argv[2])]:
        work(AnimalFolder(Path(manifest["folder"])), Step(stage, channel, item), SECONDS)
