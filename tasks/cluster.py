"""Heavy stages on a cluster: between Luigi's worker and hpc/, which knows nothing of animals.

Which stages are heavy, and what each asks for, is in config/cluster.toml; whether they go out is [hpc] backend in
luigi.cfg, or --hpc-backend.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache, partial
from pathlib import Path

import luigi
from luigi.task_register import Register

from brainstack.animal_folder import AnimalFolder
from brainstack.environment import CHECKOUT, animal_folder, data_root
from brainstack.errors import BrainstackError
from brainstack.files.whole import write_json
from brainstack.files.writer import call_writer
from brainstack.mask_approvals import WAITING_STAGES, may_go_on
from brainstack.plan import Plan
from brainstack.run_log import LineFormatter
from brainstack.stages import STAGES
from brainstack.stamps import Step
from brainstack.written_plan import read_plan, write_plan
from hpc.arrays import ArrayFolder, Manifest, TaskSpec, arrays_in
from hpc.backend import Backend, backend_named
from hpc.cluster import Cluster, ClusterError, read_cluster
from hpc.fleet import ABSENT, DONE, OTHER, Fleet, Outcome
from hpc.outbox import Client
from hpc.report import counted
from tasks import current
from tasks.base import AnimalTask, SectionsFailed, task_for
from tasks.base import sentence_of as sentence_of_any

LOCAL = "local"
NODE_MODULE = "tasks.cluster"
"""What nodes import: it has `prepare_node` and `sentence_of`, and knows all tasks. A module that adds stages of its own
puts its name here."""
KEPT = ("BRAINSTACK_DATA_ROOT", "LUIGI_CONFIG_PATH", "SLURM_CONF")
"""What of the environment belongs to a command: no password."""
ENDING_S = 5.0
"""How long a job that is cancelled may go on; what it writes after that counts for nothing, as it leaves no stamp."""


class hpc(luigi.Config):  # type: ignore[misc]  # noqa: N801 - Luigi calls the section of luigi.cfg by it
    """Where heavy stages are made."""

    backend = luigi.Parameter(
        default=LOCAL,
        description="local: here; slurm: as batch jobs; salloc: one by one, live in an interactive allocation",
    )
    settings = luigi.Parameter(default="", description="what each stage asks for; config/cluster.toml when left out")


def cluster_settings() -> Cluster:
    """Raises ClusterError for a stage that there is not."""
    path = Path(hpc().settings).expanduser() if hpc().settings else CHECKOUT / "config" / "cluster.toml"
    cluster = read_cluster(path)
    if unknown := sorted(set(cluster.stages) - set(STAGES)):
        raise ClusterError(f"{path}: [stages.{unknown[0]}] is no stage; wanted one of {', '.join(STAGES)}.")
    return cluster


class AnimalJobs:
    """The jobs of one animal, in the process that drives its run."""

    def __init__(self, animal: str, folder: AnimalFolder, cluster: Cluster, backend: Backend) -> None:
        self.animal, self._plans = animal, folder.jobs / "plans"
        self.stages = frozenset(cluster.stages)
        environment = cluster.environment
        client = Client(
            module=NODE_MODULE,
            job_name=partial(job_name, animal),
            command=_command(environment.command, environment.python or sys.executable),
            setup=f"cd {shlex.quote(str(CHECKOUT))} || exit 96\n{environment.setup}",
            context=self._context,
        )
        self.fleet = Fleet(arrays_folder(folder), cluster, backend, client, self._state)
        self.backend = backend

    def take_over(self) -> str:
        """End the jobs of an earlier run that would make what is not wanted any more. Returns what to tell of the
        rest."""
        if self.fleet.drop(self.is_wanted):
            time.sleep(ENDING_S)
        if not (left := len(self.fleet.live_writers())):
            shutil.rmtree(self._plans, ignore_errors=True)
            return ""
        return f"{self.animal}: going on with {counted(left, 'job')} that an earlier run submitted."

    def farewell(self, wait_s: float) -> str:
        count = len(self.fleet.live_writers())
        return (
            f"{self.animal}: {counted(count, 'job')} left at work on the cluster; the same command goes on from there. "
            f"Ctrl-C again within {wait_s:.0f} s, or `python -m hpc cancel --animal {self.animal}` later, ends them."
        )

    def cancel(self) -> str:
        """End what is on the cluster. Returns what to tell."""
        said = f"{self.animal}: {counted(self.fleet.cancel(), 'job')} cancelled."
        return f"{said} {self.fleet.trouble}" if self.fleet.arrays else said

    def poll(self) -> list[Outcome]:
        """Tasks that came to an end since. Raises BrainstackError where nothing can be submitted."""
        try:
            return self.fleet.poll()
        except ClusterError as error:
            raise BrainstackError(str(error)) from error

    def _context(self) -> dict[str, str]:
        path = write_plan(self._plans, current.plan(self.animal))
        return {"animal": self.animal, "plan": str(path), "data_root": str(data_root())}

    def _state(self, specs: Collection[TaskSpec], writers: Collection[str]) -> Mapping[str, str]:
        progress = current.progress(self.animal)
        progress.stamps.refresh(writers)
        states = {}
        for spec in specs:
            step = step_of(spec)
            made = progress.stamps.read(step) is not None
            states[spec.key] = DONE if progress.plan.has(step) and progress.is_done(step) else OTHER if made else ABSENT
        return states

    def is_wanted(self, manifest: Manifest, spec: TaskSpec) -> bool:
        """Whether what an earlier run submitted would be made the same way now."""
        progress, step = current.progress(self.animal), step_of(spec)
        plan = progress.plan
        if not plan.has(step) or plan.is_blocked(step):
            return False
        if step.stage in WAITING_STAGES and not may_go_on(progress):
            return False
        if not all(progress.is_done(one.step) for one in plan.inputs(step)):
            return False
        then = _plan_of(manifest.context["plan"])
        return then is not None and then.expected(step, progress.stamps) == plan.expected(step, progress.stamps)


def begin(animal: str, folder: AnimalFolder) -> AnimalJobs | None:
    """The jobs of an animal, those of earlier runs taken over; None where all is made here. Raises BrainstackError for
    what can be known now: a cluster that cannot be used, or jobs that are at work where all was to be made here."""
    name = hpc().backend
    current.cluster_stages = frozenset()
    if name == LOCAL or submitted_by(animal) not in ("", name):
        _refuse_beside_jobs(animal, folder)
    if name == LOCAL:
        return None
    try:
        cluster, backend = cluster_settings(), backend_named(name)
        backend.check(sorted(cluster.stages.items()))
        jobs = AnimalJobs(animal, folder, cluster, backend)
        jobs.fleet.adopt()
    except ClusterError as error:
        raise BrainstackError(str(error)) from error
    current.cluster_stages = jobs.stages
    _note_command(animal, name)
    return jobs


def _refuse_beside_jobs(animal: str, folder: AnimalFolder) -> None:
    if left := arrays_in(arrays_folder(folder)):
        raise BrainstackError(
            f"{animal} has jobs on a cluster that an earlier run submitted ({left[-1].name}); go on with them by the "
            f"same command with --hpc-backend {submitted_by(animal)}, or end them with `python -m hpc cancel --animal "
            f"{animal}`."
        )


def command_file(animal: str) -> Path:
    """The command that submitted the animal's jobs last."""
    return animal_folder(animal).jobs / "command.json"


def submitted_by(animal: str) -> str:
    """The queue that took the animal's jobs last; "" where there never were any."""
    path = command_file(animal)
    return str(json.loads(path.read_text())["backend"]) if path.exists() else ""


def job_name(animal: str, array: ArrayFolder) -> str:
    return f"brainstack.{animal}.{array.name}"


def _note_command(animal: str, backend: str) -> None:
    """So that `python -m hpc attach` can go on with it."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(KEPT)}
    content = {"words": sys.argv, "folder": str(Path.cwd()), "environment": kept, "backend": backend}
    write_json(command_file(animal), content)


def arrays_folder(folder: AnimalFolder) -> Path:
    return folder.jobs / "arrays"


def spec_of(step: Step, animal: str) -> TaskSpec:
    return TaskSpec(step.stage, task_for(animal, step).to_str_params())


def step_of(spec: TaskSpec) -> Step:
    """What a task makes; a step that no plan has where its section is gone."""
    task: AnimalTask = Register.get_task_cls(spec.family).from_str_params(dict(spec.parameters))
    try:
        return task.step
    except BrainstackError:
        return Step(spec.family, item=spec.key)


def _command(command: str, python: str) -> str:
    return " ".join([*([command] if command else []), shlex.quote(python), "-m hpc.run"])


@lru_cache(8)
def _plan_of(path: str) -> Plan | None:
    try:
        return read_plan(Path(path))
    except BrainstackError:
        return None


# On a node


def prepare_node(context: Mapping[str, str], writer: str, check: Callable[[], None]) -> None:
    """Work by the plan that was written down, under a name of one's own, and never ask the database."""
    import tasks

    assert tasks.__all__
    os.environ["BRAINSTACK_DATA_ROOT"] = context["data_root"]
    os.environ["BRAINSTACK_DATABASE_URL"] = "none://jobs-never-ask-the-database"
    call_writer(writer)
    _log_to_stderr(context["animal"])
    current.set_plan(context["animal"], read_plan(Path(context["plan"])))
    current.check_in = check


def _log_to_stderr(animal: str) -> None:
    """A job's own log has lines of the same form as the run's."""
    log, handler = logging.getLogger("brainstack"), logging.StreamHandler()
    handler.setFormatter(LineFormatter(animal))
    log.handlers[:] = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


def sentence_of(error: BaseException) -> str:
    """What to tell of a task that failed on a node."""
    if isinstance(error, SectionsFailed):
        return next(iter(error.errors.values()))
    return sentence_of_any(error)
