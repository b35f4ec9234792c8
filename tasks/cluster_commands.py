"""What `python -m hpc` has to know of animals."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from luigi.cmdline_parser import CmdlineParser
from luigi.task_register import TaskClassException

from brainstack.animal_folder import AnimalFolder
from brainstack.environment import animal_folder, data_root
from brainstack.errors import BrainstackError
from brainstack.locking import holder_of
from brainstack.progress import Progress
from brainstack.stamps import Step
from hpc.arrays import arrays_in
from hpc.backend import Backend, backend_named
from hpc.fleet import Fleet
from tasks import current
from tasks.base import AnimalTask
from tasks.cluster import AnimalJobs, arrays_folder, cluster_settings, command_file, job_name, submitted_by

__all__ = ["Error", "cluster_settings", "command_file", "job_name"]

Error = BrainstackError
STOP_S = 60.0


def animals_with_jobs() -> dict[str, Path]:
    """The folder of arrays of each animal that ever had some."""
    folders = [AnimalFolder(path) for path in sorted(data_root().glob("[!.]*")) if path.is_dir()]
    return {one.prep_id: arrays_folder(one) for one in folders if arrays_in(arrays_folder(one), closed=True)}


def jobs_folder(animal: str) -> Path:
    return animal_folder(animal).jobs


def driver_of(animal: str) -> str:
    """Who drives the animal's run now; "" for nobody."""
    return holder_of(animal_folder(animal))


def stop_driver(animal: str) -> None:
    """Stop the run that submits the animal's jobs, where it is on this machine. Raises BrainstackError elsewhere."""
    holder = driver_of(animal)
    if not holder:
        return
    words = holder.split()
    if len(words) != 4 or words[3] != os.uname().nodename:
        raise BrainstackError(
            f"{animal} is being run by {holder}; stop that run there first, by Ctrl-C or `brainstack stop {animal}`."
        )
    os.kill(int(words[1]), signal.SIGTERM)
    end = time.monotonic() + STOP_S
    while driver_of(animal):
        if time.monotonic() > end:
            raise BrainstackError(f"{animal} is still being run by {holder}, who was told to stop; stop it by hand.")
        time.sleep(0.2)


def fleet_to_cancel(animal: str) -> Fleet:
    return AnimalJobs(animal, animal_folder(animal), cluster_settings(), backend_of(animal)).fleet


def backend_of(animal: str) -> Backend:
    """Where the animal's jobs were submitted last."""
    return backend_named(submitted_by(animal))


def tasks_to_make(words: list[str]) -> tuple[str, Counter[str], str]:
    """The animal that a task is for, as luigi is given it, how many steps of each stage have to be made for it, and
    what is not known yet."""
    if not words:
        raise BrainstackError("No task was named; wanted one, such as: python -m hpc plan Animal --animal DK39")
    try:
        with CmdlineParser.global_instance(["--module", "tasks", *words]) as parser:
            task = parser.get_task_obj()
    except TaskClassException:
        raise BrainstackError(f"There is no task {words[0]!r}; docs/stages.md lists them.") from None
    if not isinstance(task, AnimalTask) or not task.animal:
        raise BrainstackError("No animal was named; say which, such as --animal DK39.")
    task.check()
    progress = current.progress(task.animal)
    unread = [one for one in progress.plan.steps("Meta") if not progress.is_done(one)]
    later = (
        f"{len(unread)} slides have not been read: what is made of them is not known yet. Read them with "
        f"`luigi --module tasks Meta --animal {task.animal} --local-scheduler`."
        if unread
        else ""
    )
    return task.animal, Counter(step.stage for step in _left(progress, task.steps())), later


def _left(progress: Progress, wanted: Iterable[Step]) -> set[Step]:
    """All steps that have to be made, for these or for what they read."""
    found: set[Step] = set()
    waiting = list(wanted)
    while waiting:
        step = waiting.pop()
        if step not in found and not progress.plan.is_blocked(step) and not progress.is_done(step):
            found.add(step)
            waiting += [one.step for one in progress.plan.inputs(step)]
    return found
