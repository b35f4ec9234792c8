"""The one place that reaches into how Luigi 3.8 works (pyproject.toml pins it), but for one path in configuration.py.

Three things are other than in Luigi. A batch's sections succeed and fail one by one: the disk decides. When nothing is
left to do, what tasks recorded is taken into the database, the plan is made anew, without what failed, and the run goes
on with what can be done now: the sections of slides just read, or all that a bad section held up. And a person sees
progress and, at the end, a table; Luigi's own words go to a file beside the run's log.
"""

from __future__ import annotations

import json
import logging
import shlex
import signal
import socket
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import luigi.interface
import luigi.scheduler
import luigi.worker
from luigi.rpc import RPCError
from luigi.scheduler import BATCH_RUNNING, DONE, FAILED, PENDING, RUNNING

from brainstack.as_typed import LOCAL
from brainstack.errors import BrainstackError
from brainstack.images.threads import use_one_thread
from brainstack.run_log import line_of
from brainstack.stamps import Step
from hpc.fleet import Outcome
from tasks import children, current
from tasks.base import AnimalTask, BatchTask, sentence_of, task_for
from tasks.jobs import ClusterJob, link_to
from tasks.luigid import Luigid
from tasks.report import ReportTask
from tasks.run import Run

log = logging.getLogger("brainstack")

TASK_FAILED = 30
"""Exit status of a run in which something failed, as luigi.cfg has it."""
SECOND_CTRL_C_S = 5.0
"""How long a second Ctrl-C can end what is on a cluster."""
ASK_AGAIN_S = 20.0
"""How long a worker waits for the end of a task before it asks for work all the same."""
LOST_OUTPUT = (
    "it was made, but its output is not there any more; see that nobody removes files during a run, and run the same "
    "command again"
)
DIED = (
    "the process that made it died, twice ({}): it was killed, or memory ran out; close other programs or take fewer "
    "--workers, and run the same command again"
)
GONE = (
    "luigid does not answer any more ({}). What was finished stays, and jobs on a cluster go on: start luigid anew, "
    "and run the same command again."
)
TELL_S = 5.0
"""Between two words to people of how far jobs on a cluster are."""
CONNECT_S = 5.0
"""How long luigid may take to answer at all; it is busy for a second when somebody opens its page on a large run."""


class SectionWorker(luigi.worker.Worker):  # type: ignore[misc]
    """A Luigi worker that knows sections."""

    def __init__(self, **arguments: Any) -> None:
        self._local_processes = 1
        use_one_thread()  # a process that is forked beside OpenCV's threads may wait for them for ever
        super().__init__(**arguments)
        self._roots: list[AnimalTask] = []
        self._runs: dict[str, Run] = {}
        self._only_slides = False
        self._announced: list[AnimalTask] = []
        self._left = 0
        self._is_interrupted = False
        self._told_at = 0.0

    @property
    def worker_processes(self) -> int:
        """Luigi starts a task while fewer than so many are running: what runs on a cluster takes no process here."""
        return self._local_processes + len(self._cluster_jobs())

    @worker_processes.setter
    def worker_processes(self, count: int) -> None:
        self._local_processes = count

    def _cluster_jobs(self) -> list[ClusterJob]:
        running = getattr(self, "_running_tasks", {})
        return [one for one in running.values() if isinstance(one, ClusterJob)]

    # Adding: first the slides, and when their scenes are known, what was asked for

    def add(self, task: luigi.Task, multiprocess: bool = False, processes: int = 0) -> bool:
        self._first_task = self._first_task or task.task_id
        if isinstance(task, ReportTask):
            return self._add_report(task)
        self._roots.append(task)
        with self._ends_well_when_interrupted(), leave_with_a_sentence(self._runs):
            if task.animal not in self._runs:
                run = self._runs[task.animal] = Run(task.animal, command_of(task, self._scheduler))
                self._release_what_a_dead_driver_held(run)
                if run.jobs is not None:  # jobs are watched while tasks are made here
                    self._config.force_multiprocessing = True
            return self._add_what_can_be_done(task)

    def _add_report(self, task: ReportTask) -> bool:
        """It says in the terminal what went wrong; there is no log that takes what Luigi says."""
        logging.getLogger("luigi-interface").setLevel(logging.CRITICAL)
        with leave_with_a_sentence(self._runs):
            task.check()
            return bool(super().add(task))

    def _add_what_can_be_done(self, task: AnimalTask) -> bool:
        plan = current.plan(task.animal)
        to_read = [step for step in plan.steps("Meta") if not plan.is_blocked(step)]
        progress = current.progress(task.animal)
        if task.task_family != "Meta" and not all(progress.is_done(step) for step in to_read):
            self._only_slides = True
            added = [super(SectionWorker, self).add(task_for(task.animal, step)) for step in to_read]
            return all(added)
        task.check()
        if task not in self._announced:  # what is checked before a run is no hindrance in the middle of it
            self._announced.append(task)
            self._runs[task.animal].display.announce(task.announcement())
        return bool(super().add(task))

    def _release_what_a_dead_driver_held(self, run: Run) -> None:
        """luigid believes for minutes that a killed process goes on with its tasks, and gives them to nobody. Its
        animal's lock is ours now: it is dead, and its tasks have failed."""
        earlier = run.note_driver(self._id)
        for status in (RUNNING, BATCH_RUNNING) if earlier else ():
            tasks = self._scheduler.task_list(status, "", limit=False, max_shown_tasks=sys.maxsize)
            for task_id, task in tasks.items():
                if task["worker_running"] == earlier:
                    self._scheduler.add_task(worker=earlier, task_id=task_id, status=FAILED, runnable=False)

    def _tell(self) -> None:
        """luigid hears at once of what is known by now."""
        if isinstance(self._scheduler, Luigid):
            self._scheduler.tell()

    # Running: again and again, until a round changes nothing

    def run(self) -> bool:
        try:
            with self._ends_well_when_interrupted(), leave_with_a_sentence(self._runs):
                succeeded = super().run()
                while self._anything_new() and not self._stop_requesting_work:
                    self._only_slides = False
                    for root in self._roots:
                        self._add_what_can_be_done(root)
                    succeeded = super().run()
                finished = [run.finish() for run in self._runs.values()]
            if succeeded and not all(finished):  # a person's edit cannot be used, and all else is done
                raise SystemExit(TASK_FAILED)
            return bool(succeeded)
        finally:
            for run in self._runs.values():
                run.report()

    @contextmanager
    def _ends_well_when_interrupted(self) -> Iterator[None]:
        """Ctrl-C and SIGTERM end what is being made, say so, and leave with status 130."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._interrupt)
        try:
            yield
        except KeyboardInterrupt:
            self._is_interrupted = False
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._interrupt_again)
            self._stop_processes()
            for run in self._runs.values():
                run.interrupted()
            if not self._runs:
                sys.stderr.write("Stopped before anything was made.\n")
            self._leave_jobs()
            for run in self._runs.values():
                run.report(quick=True)
            raise SystemExit(130) from None

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """What is raised while Python forks is lost: it is remembered, and raised again."""
        self._is_interrupted = True
        raise KeyboardInterrupt

    def _interrupt_again(self, number: int, frame: FrameType | None) -> None:
        self._is_interrupted = True

    def _anything_new(self) -> bool:
        new = [run.look_again() for run in self._runs.values()]  # all of them look
        return any(new) or self._only_slides or self._was_forgotten()

    def _was_forgotten(self) -> bool:
        """True where something can be made that nothing hinders: luigid was started anew and knows of nothing. Not for
        ever: what is left has to become less."""
        before, self._left = self._left, sum(self._count_left(root) for root in self._roots)
        return self._left > 0 and (before == 0 or self._left < before)

    def _count_left(self, root: AnimalTask) -> int:
        progress = current.progress(root.animal)
        return sum(not (progress.is_done(one) or progress.plan.is_blocked(one)) for one in root.steps())

    def _leave_jobs(self) -> None:
        """What is on a cluster goes on, unless somebody insists."""
        runs = [run for run in self._runs.values() if run.jobs is not None and run.jobs.fleet.adopt()]
        said = [run.jobs.farewell(SECOND_CTRL_C_S) for run in runs]
        self._is_interrupted = False  # what was pressed before it is said was no answer to it
        for run, words in zip(runs, said, strict=True):
            run.display.announce(words)
        until = time.monotonic() + SECOND_CTRL_C_S
        while runs and not self._is_interrupted and time.monotonic() < until:
            time.sleep(0.05)
        for run in runs if self._is_interrupted else ():
            run.display.announce(run.jobs.cancel())

    def _stop_processes(self) -> None:
        for process in self._running_tasks.values():
            if process.is_alive():
                process.terminate()
                process.join()

    def _log_complete_error(self, task: AnimalTask, tb: str) -> None:
        super()._log_complete_error(task, tb)
        self._say_not_scheduled(task, tb)

    def _log_dependency_error(self, task: AnimalTask, tb: str) -> None:
        super()._log_dependency_error(task, tb)
        self._say_not_scheduled(task, tb)

    def _say_not_scheduled(self, task: AnimalTask, trace: str) -> None:
        last = trace.strip().splitlines()[-1]
        self._runs[task.animal].not_scheduled(
            f"{task} could not be planned, a fault of brainstack, please report it with the run's log: {last}"
        )

    def _run_task(self, task_id: str) -> None:
        """Fork with Ctrl-C held back: the child lets it through when it knows what to do then."""
        if self._local_processes == 1 and not self._config.force_multiprocessing:
            super()._run_task(task_id)
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, children.HELD_BACK)
        try:
            super()._run_task(task_id)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, children.HELD_BACK)

    def _handle_next_task(self) -> None:
        """Wait until a task comes to an end: before that there is nothing new to ask luigid for, and each question
        costs it a look at all tasks."""
        until, ended = time.monotonic() + ASK_AGAIN_S, False
        while self._running_tasks and not ended and time.monotonic() < until:
            if self._is_interrupted:
                raise KeyboardInterrupt
            running = len(self._running_tasks)
            if not (ended := self._take_from_clusters()):
                super()._handle_next_task()
                ended = len(self._running_tasks) != running
            self._tell()
            for run in self._runs.values():
                run.show()

    # On a cluster

    def _create_task_process(self, task: AnimalTask) -> Any:
        is_report = isinstance(task, ReportTask)
        jobs = self._runs[task.animal].jobs if not is_report and task.animal in self._runs else None
        if jobs is None or task.is_waiting or task.task_family not in jobs.stages:
            return super()._create_task_process(task)
        self._batch_running_tasks[task.task_id] = members = list(self._batch_running_tasks.get(task.task_id, ()))
        reporter = luigi.worker.TaskStatusReporter(self._scheduler, task.task_id, self._id, None)
        return ClusterJob(task, members or [task], jobs.fleet, reporter)

    def _take_from_clusters(self) -> bool:
        """Hear what became of tasks on clusters. True where some came to an end."""
        ended = False
        for run in self._runs.values():
            for outcome in run.jobs.poll() if run.jobs is not None else ():
                ended = self._take(run, outcome) or ended
        for job in self._cluster_jobs():
            if not job.waiting:
                self._end_job(job)
        if time.monotonic() - self._told_at > TELL_S:
            self._told_at = time.monotonic()
            for job in self._cluster_jobs():
                self._runs[job.task.animal].display.tell(job.task.task_family, job.tell())
        return ended

    def _take(self, run: Run, outcome: Outcome) -> bool:
        job = next((one for one in self._cluster_jobs() if outcome.spec.key in one.waiting), None)
        if job is None:  # an earlier run wanted it
            return False
        task = job.waiting.pop(outcome.spec.key)
        children.count(task.task_family, "failed" if outcome.error else "made")
        said = f"failed: {outcome.error}" if outcome.error else "done on the cluster"
        log.log(
            logging.ERROR if outcome.error else logging.INFO,
            "%s",
            line_of(task.plan, task.step, f"{said}; its job's log: {outcome.log or 'none'}"),
        )
        if outcome.error:
            job.failed = True
            run.failed[task.step] = outcome.error
        expl = json.dumps(outcome.error) if outcome.error else None
        self._report(task, FAILED if outcome.error else DONE, expl, tracking_url=link_to(outcome.log))
        return True

    def _end_job(self, job: ClusterJob) -> None:
        task = job.task
        del self._running_tasks[task.task_id]
        self._batch_running_tasks.pop(task.task_id, None)
        self.run_succeeded &= not job.failed
        if job.members != [task]:
            self._scheduler.add_task(worker=self._id, task_id=task.task_id, status=FAILED if job.failed else DONE,
                                     runnable=None, family=task.task_family, params=task.to_str_params())  # fmt: skip

    # Reporting: each section of a batch by itself

    def _add_task(self, *args: Any, **message: Any) -> None:
        task_id, status = message["task_id"], message["status"]
        task = self._scheduled_tasks.get(task_id)
        if isinstance(task, ReportTask):
            super()._add_task(*args, **message)
            return
        if status == PENDING and task is not None:
            self._runs[task.animal].expect(task)
        if status not in (DONE, FAILED) or task_id not in self._running_tasks:
            super()._add_task(*args, **message)
            return
        current.progress(task.animal).stamps.refresh()
        members = list(self._batch_running_tasks.pop(task_id, ()))
        errors = _errors(message.get("expl")) if status == FAILED else {}
        if status == FAILED:
            self._note_failures(task, members, errors, _again(message.get("expl")))
        if not members:
            super()._add_task(*args, **message)
            return
        good = [member for member in members if _is_made(member, errors)]
        if len(good) == len(members):  # the scheduler gives them the status of the batch, in one call
            self._add_task_history += [(member, DONE, None) for member in members]
        else:
            for member in members:
                if member in good:
                    self._report(member, DONE)
                else:
                    self._report(member, FAILED, expl=json.dumps(_sentence(errors, member)))
        # The batch itself is none of ours: the scheduler hears of it, the summary does not.
        self._scheduler.add_task(*args, **message)

    def _note_failures(
        self, task: AnimalTask, members: list[BatchTask], errors: dict[str, str] | str, again: Collection[str]
    ) -> None:
        """Remember which steps failed, or, where a process died without saying at which, try each once more alone.

        again : items that are made when the run looks again."""
        run = self._runs[task.animal]
        if task.is_waiting:
            return
        for step in [step for one in members or [task] for step in one.steps()]:
            if _has_stamp(task.animal, step, errors) or current.plan(task.animal).is_blocked(step):
                continue
            plan = current.plan(task.animal)
            if step.item in again:
                run.again = True
            elif isinstance(errors, dict):
                run.failed[step] = errors.get(step.item, LOST_OUTPUT)
            elif current.is_suspect(step):
                run.failed[step] = DIED.format(errors)
                log.error("%s", line_of(plan, step, f"failed: {run.failed[step]}"))
            else:
                current.suspect(step)
                run.again = True
                log.warning("%s", line_of(plan, step, f"the process that made it died ({errors}); it is tried again"))

    def _report(
        self, member: AnimalTask, status: str, expl: str | None = None, tracking_url: str | None = None
    ) -> None:
        super()._add_task(
            worker=self._id, task_id=member.task_id, status=status, expl=expl, runnable=None,
            resources=member.process_resources(), priority=member.priority, params=member.to_str_params(),
            family=member.task_family, module=member.task_module, tracking_url=tracking_url,
            retry_policy_dict=luigi.worker._get_retry_policy_dict(member),
        )  # fmt: skip


class QuickScheduler(luigi.scheduler.Scheduler):  # type: ignore[misc]
    """Luigi's own, for the one worker of this process. With each piece of work Luigi counts what is left to do, going
    through all tasks and what each waits for; the answer serves only workers that stay alive for others' sake."""

    def count_pending(self, worker: str) -> dict[str, Any]:
        left = {"n_pending_tasks": 0, "n_unique_pending": 0, "n_pending_last_scheduled": 0, "running_tasks": []}
        return left | {"worker_state": self._state.get_worker(worker).state}


class SectionFactory(luigi.interface._WorkerSchedulerFactory):  # type: ignore[misc]
    def create_local_scheduler(self) -> QuickScheduler:
        return QuickScheduler(prune_on_get_work=True, record_task_history=False)

    def create_remote_scheduler(self, url: str) -> Any:
        """Luigi would try for minutes, in silence."""
        address = urlsplit(url)
        try:
            socket.create_connection((address.hostname, address.port or 80), timeout=CONNECT_S).close()
        except OSError as error:
            raise SystemExit(
                f"brainstack: no luigid answers at {url} ({error}); start it with `luigid` in this folder, "
                "or do without it: --local-scheduler."
            ) from None
        return Luigid(url)

    def create_worker(self, scheduler: Any, worker_processes: int, assistant: bool = False) -> SectionWorker:
        return SectionWorker(scheduler=scheduler, worker_processes=worker_processes, assistant=assistant)


def install() -> None:
    """Make the plain `luigi` command use these."""
    luigi.interface._WorkerSchedulerFactory = SectionFactory


@contextmanager
def leave_with_a_sentence(runs: Mapping[str, Run]) -> Iterator[None]:
    """What a person can mend ends the run with its sentence and exit status 1, and no traceback. Any other error is
    brainstack's fault: its traceback goes to the log, and where that is to the terminal."""
    try:
        yield
    except (BrainstackError, RPCError, OSError) as error:
        sentence = GONE.format(error) if isinstance(error, RPCError) else sentence_of(error)
        for run in runs.values():
            run.gave_up(sentence)
        raise SystemExit(f"brainstack: {sentence}") from None
    except Exception as error:
        for run in runs.values():
            run.gave_up(sentence_of(error))
            run.display.broken(sentence_of(error))
        if not runs:
            sys.stderr.write(f"brainstack: {sentence_of(error)}\n")
        raise


def command_of(task: luigi.Task, scheduler: luigi.scheduler.Scheduler) -> str:
    """The command that asks for a task, with what a person said of it. scheduler : of the run; with one of its own, as
    where no luigid runs, the command says so."""
    words = ["luigi", "--module", "tasks", task.task_family]
    for name, parameter in task.get_params():
        value = getattr(task, name)
        if parameter.significant and value != parameter._default:
            words += [f"--{name.replace('_', '-')}", parameter.serialize(value)]
    return shlex.join(words if isinstance(scheduler, Luigid) else [*words, LOCAL])


def _is_made(member: BatchTask, errors: dict[str, str] | str) -> bool:
    return all(_has_stamp(member.animal, step, errors) for step in member.steps())


def _has_stamp(animal: str, step: Step, errors: dict[str, str] | str) -> bool:
    """True for a step of an ended task that was made, or done before: one that was only begun has no stamp."""
    failed = isinstance(errors, dict) and step.item in errors
    return not failed and current.progress(animal).stamps.read(step) is not None


def _errors(explanation: str | None) -> dict[str, str] | str:
    """What a failed task said: a sentence for each item, or Luigi's words where its process died."""
    content = json.loads(explanation or '""')
    return dict(content["items"]) if isinstance(content, dict) else str(content)


def _again(explanation: str | None) -> Collection[str]:
    """Items of a failed task that did not fail themselves."""
    content = json.loads(explanation or '""')
    return tuple(content.get("again", ())) if isinstance(content, dict) else ()


def _sentence(errors: dict[str, str] | str, member: BatchTask) -> str:
    if isinstance(errors, str):
        return errors
    return errors.get(member.steps()[0].item, LOST_OUTPUT)
