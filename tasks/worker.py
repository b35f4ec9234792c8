"""The one place that reaches into how Luigi 3.8 works (pyproject.toml pins it), but for one path in configuration.py.

Three things are other than in Luigi. A batch's sections succeed and fail one by one: the disk decides. When nothing is
left to do, what tasks recorded is taken into the database, the plan is made anew, without what failed, and the run goes
on with what can be done now: the sections of slides just read, or all that a bad section held up. And a person sees
progress and, at the end, a table; Luigi's own words go to the run's log.
"""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import luigi.interface
import luigi.scheduler
import luigi.worker
from luigi.scheduler import DONE, FAILED, PENDING

from brainstack.errors import BrainstackError
from brainstack.stamps import Step
from tasks import children, current
from tasks.base import AnimalTask, BatchTask, sentence_of, task_for
from tasks.run import Run

TASK_FAILED = 30
"""Exit status of a run in which something failed, as luigi.cfg has it."""
CONNECT_S = 5.0
"""How long luigid may take to answer at all; it is busy for a second when somebody opens its page on a large run."""


class SectionWorker(luigi.worker.Worker):  # type: ignore[misc]
    """A Luigi worker that knows sections."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._roots: list[AnimalTask] = []
        self._runs: dict[str, Run] = {}
        self._only_slides = False
        self._announced: list[AnimalTask] = []

    # Adding: first the slides, and when their scenes are known, what was asked for

    def add(self, task: luigi.Task, multiprocess: bool = False, processes: int = 0) -> bool:
        self._first_task = self._first_task or task.task_id
        self._roots.append(task)
        with leave_with_a_sentence(self._runs):
            if task.animal not in self._runs:
                self._runs[task.animal] = Run(task.animal)
            return self._add_what_can_be_done(task)

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

    # Running: again and again, until a round changes nothing

    def run(self) -> bool:
        signal.signal(signal.SIGTERM, _interrupt)
        try:
            with leave_with_a_sentence(self._runs):
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
        except KeyboardInterrupt:
            for run in self._runs.values():
                run.interrupted()
            self._stop_processes()
            raise SystemExit(130) from None

    def _anything_new(self) -> bool:
        new = [run.look_again() for run in self._runs.values()]  # all of them look
        return any(new) or self._only_slides

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
        self._runs[task.animal].not_scheduled(f"{task} could not be planned, a fault of brainstack: {last}")

    def _run_task(self, task_id: str) -> None:
        """Fork with Ctrl-C held back: the child lets it through when it knows what to do then."""
        if self.worker_processes == 1:
            super()._run_task(task_id)
            return
        signal.pthread_sigmask(signal.SIG_BLOCK, children.HELD_BACK)
        try:
            super()._run_task(task_id)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, children.HELD_BACK)

    def _handle_next_task(self) -> None:
        super()._handle_next_task()
        for run in self._runs.values():
            run.show()

    # Reporting: each section of a batch by itself

    def _add_task(self, *args: Any, **message: Any) -> None:
        task_id, status = message["task_id"], message["status"]
        task = self._scheduled_tasks.get(task_id)
        if status == PENDING and task is not None:
            self._runs[task.animal].expect(task)
        if status not in (DONE, FAILED) or task_id not in self._running_tasks:
            super()._add_task(*args, **message)
            return
        current.progress(task.animal).stamps.refresh()
        members = list(self._batch_running_tasks.pop(task_id, ()))
        errors = _errors(message.get("expl")) if status == FAILED else {}
        if status == FAILED:
            self._note_failures(task, members, errors)
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

    def _note_failures(self, task: AnimalTask, members: list[BatchTask], errors: dict[str, str] | str) -> None:
        """Remember which steps failed, or, where a process died without saying at which, try each once more alone."""
        run = self._runs[task.animal]
        if task.is_waiting:
            return
        for step in [step for one in members or [task] for step in one.steps()]:
            if _has_stamp(task.animal, step, errors) or current.plan(task.animal).is_blocked(step):
                continue
            if isinstance(errors, dict):
                run.failed[step] = errors.get(step.item, "it was made, but its output is not there")
            elif current.is_suspect(step):
                run.failed[step] = f"the process that made it died, twice ({errors})"
            else:
                current.suspect(step)
                run.again = True

    def _report(self, member: BatchTask, status: str, expl: str | None = None) -> None:
        super()._add_task(
            worker=self._id, task_id=member.task_id, status=status, expl=expl, runnable=None,
            resources=member.process_resources(), priority=member.priority, params=member.to_str_params(),
            family=member.task_family, module=member.task_module,
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
        return super().create_remote_scheduler(url)

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
    except BrainstackError as error:
        raise SystemExit(f"brainstack: {error}") from None
    except OSError as error:
        raise SystemExit(f"brainstack: {sentence_of(error)}") from None
    except Exception as error:
        for run in runs.values():
            run.display.broken(sentence_of(error))
        raise


def _is_made(member: BatchTask, errors: dict[str, str] | str) -> bool:
    return all(_has_stamp(member.animal, step, errors) for step in member.steps())


def _has_stamp(animal: str, step: Step, errors: dict[str, str] | str) -> bool:
    """True for a step of an ended task that was made, or done before: one that was only begun has no stamp."""
    failed = isinstance(errors, dict) and step.item in errors
    return not failed and current.progress(animal).stamps.read(step) is not None


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _errors(explanation: str | None) -> dict[str, str] | str:
    """What a failed task said: a sentence for each item, or Luigi's words where its process died."""
    content = json.loads(explanation or '""')
    return dict(content["items"]) if isinstance(content, dict) else str(content)


def _sentence(errors: dict[str, str] | str, member: BatchTask) -> str:
    if isinstance(errors, str):
        return errors
    return errors.get(member.steps()[0].item, "it was made, but its output is not there")
