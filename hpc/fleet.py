"""The arrays of one animal: tasks go out together, are watched, and come back one by one.

All that has to outlive this process is on disk (arrays.py): a fleet that begins takes over what another left.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hpc import verdicts
from hpc.arrays import (
    ElementEnd,
    Manifest,
    TaskSpec,
    arrays_in,
    make_void,
    now,
    read_end,
    read_jobs,
    read_manifest,
    revoke,
    write_whole,
)
from hpc.backend import Backend, Job, Refused, Unreachable
from hpc.cluster import Cluster, Request
from hpc.history import History, Used
from hpc.live import Array
from hpc.outbox import Client, Outbox

log = logging.getLogger("brainstack")

DONE, OTHER, ABSENT = "done", "other", "absent"
"""What the disk says of a task: made as it is wanted; made, of other things than are wanted now; not there."""


@dataclass(frozen=True)
class Outcome:
    """A task that came to an end. error : "" where it was made."""

    spec: TaskSpec
    error: str = ""
    log: Path | None = None


@dataclass(frozen=True)
class Unconfirmed:
    """A task that its element says was made. since : when it said so."""

    spec: TaskSpec
    array: Array
    index: int
    since: float


class Fleet:
    """folder : of the animal's arrays. state : what the disk says of tasks that these writers made, by the tasks' keys:
    DONE, OTHER or ABSENT."""

    def __init__(
        self,
        folder: Path,
        cluster: Cluster,
        backend: Backend,
        client: Client,
        state: Callable[[Collection[TaskSpec], Collection[str]], Mapping[str, str]],
    ) -> None:
        self.folder, self.cluster, self.backend, self.client = folder, cluster, backend, client
        self.history = History(folder.parent / "history.jsonl")
        self.outbox = Outbox(folder, cluster, backend, client, self.history)
        self.trouble = ""
        self.arrays: list[Array] = []
        self._state = state
        self._where: dict[str, Array] = {}
        self._wanted: set[str] = set()
        self._unconfirmed: dict[str, Unconfirmed] = {}
        self._made: dict[str, TaskSpec] = {}
        self._lost: dict[str, tuple[TaskSpec, Request]] = {}
        self._looked_at = self._asked_at = float("-inf")

    # What is going on

    def adopt(self) -> int:
        """Take over the arrays that are not settled. Returns how many elements may be alive."""
        known = {array.folder for array in self.arrays}
        for folder in arrays_in(self.folder):
            if folder not in known:
                self._take_over(Array(folder, read_manifest(folder.manifest), read_jobs(folder), ours=False))
        self._ask()
        self._close_settled()
        return sum(len(array.open) for array in self.arrays)

    def _take_over(self, array: Array) -> None:
        """What ended while nobody drove is noted; its tasks are there, or are submitted when somebody wants them."""
        ended, revoked = array.folder.ended_elements(), array.folder.revoked_elements()
        array.settled |= ended | revoked
        for index in sorted(ended - revoked):
            end = read_end(array.folder, index)
            self._note_use(array, index, end, verdicts.ENDED)
            self._note_failures(array, index, end)
        self._begin(array)

    def drop(self, is_wanted: Callable[[Manifest, TaskSpec], bool]) -> int:
        """End what an earlier process submitted and that would make something other than is wanted now. Returns how
        many elements that were."""
        count = 0
        for array in self.arrays:
            wrong = [
                index
                for index in array.open
                if not all(is_wanted(array.manifest, spec) for spec in array.manifest.elements[index])
            ]
            for index in wrong:
                revoke(array.folder, index, verdicts.CANCELLED)
                self._forget(array, index)
                for job in array.jobs:
                    self._cancel(f"{job}_{index}")
            count += len(wrong)
        self._close_settled()
        return count

    def live_writers(self) -> set[str]:
        """What elements that may be alive call their own files."""
        return {array.folder.writer(index) for array in self.arrays for index in array.open}

    def summary(self, stage: str) -> str:
        """Such as "40 running, 12 waiting (QOSMaxCpuPerUserLimit)"."""
        words: Counter[str] = Counter()
        for array in (one for one in self.arrays if one.manifest.stage == stage):
            for index in array.open:
                job = array.seen.get(index)
                if job is None or not job.is_alive:
                    words["submitted"] += 1
                elif job.state == "RUNNING":
                    words["running"] += 1
                else:
                    words[f"waiting ({job.reason})" if job.reason else "waiting"] += 1
        said = [f"{count} {word}" for word, count in words.items()]
        if tasks := self.outbox.count(stage):
            said.append(f"{tasks} tasks to submit")
        trouble = self.trouble or self.outbox.trouble
        return ", ".join([*said, trouble] if trouble and said else said)

    # Going out

    def submit(self, specs: Iterable[TaskSpec]) -> None:
        """These tasks are wanted: those that are not on their way go out with the next array. What turns out to be made
        already, as what it is made from came out as before, needs no job."""
        asked = list(specs)
        self._wanted |= {spec.key for spec in asked}
        new = [spec for spec in asked if not self._is_on_its_way(spec.key)]
        states = self._state(new, ()) if new else {}
        for spec in new:
            if states[spec.key] == DONE:
                self._made[spec.key] = spec
            else:
                self.outbox.put(*self._lost.pop(spec.key, (spec, self.cluster.stages[spec.family])))

    def _is_on_its_way(self, key: str) -> bool:
        return key in self._where or key in self._unconfirmed or key in self._made or key in self.outbox

    def _begin(self, array: Array) -> None:
        self.arrays.append(array)
        for index in array.open:
            self._where |= {spec.key: array for spec in array.manifest.elements[index]}

    def _send(self) -> Iterator[Outcome]:
        for sent in self.outbox.send(self.arrays):
            if isinstance(sent, Array):
                self._begin(sent)
            else:
                yield self._end(*sent)

    # Coming back

    def poll(self) -> list[Outcome]:
        """To be called often. Returns the tasks that came to an end since. Raises ClusterError."""
        if time.monotonic() - self._looked_at < self.cluster.watch.look_s:
            return []
        outcomes = [self._end(spec) for spec in self._made.values()]
        self._made.clear()
        for array in list(self.arrays):
            for index in sorted(array.folder.ended_elements() - array.settled):
                known = array.known(index)
                outcomes += self._settle(array, index, known.end, verdicts.judge(known, 0))
        if time.monotonic() - self._asked_at >= self.cluster.watch.ask_s:
            outcomes += self._ask()
        outcomes += self._confirm()
        for array in list(self.arrays):
            outcomes += self._give_up(array)
        self._close_settled()
        outcomes += self._send()
        self._looked_at = time.monotonic()
        return outcomes

    def _ask(self) -> list[Outcome]:
        """One question to the queue for all arrays."""
        if not self.arrays:
            return []
        self._asked_at = time.monotonic()
        try:
            jobs = self.backend.jobs([self.client.job_name(array.folder) for array in self.arrays])
        except (Unreachable, Refused) as error:
            self.trouble = f"{self.backend.name} does not answer: {error}"
            return []
        self.trouble = ""
        by_name: dict[str, list[Job]] = defaultdict(list)
        for job in jobs:
            by_name[job.name].append(job)
        for array in self.arrays:
            array.note(by_name[self.client.job_name(array.folder)])
        grace_s, booked = self.cluster.watch.grace_s, self._books()
        outcomes: list[Outcome] = []
        for array in list(self.arrays):
            for index in array.open if self._was_submitted(array) else ():
                known = array.known(index, booked)
                verdict = verdicts.judge(known, grace_s)
                if verdict not in (verdicts.ALIVE, verdicts.UNKNOWN):
                    outcomes += self._settle(array, index, known.end, verdict)
        return outcomes

    def _books(self) -> dict[tuple[str, int], Job]:
        """What the queue's books say of arrays with elements that it has not named for a while."""
        gone = [one for one in self.arrays if one.is_missing(self.cluster.watch.grace_s / 4)]
        jobs = self.backend.ended([job for one in gone for job in one.jobs]) if gone else []
        return {(job.array, job.index): job for job in jobs}

    def _was_submitted(self, array: Array) -> bool:
        """False for an array whose number nobody knows, until it turns up or is too old to do so: then it is made void,
        so that it could not begin even if it did, and what it was to make is free again."""
        if array.jobs or array.folder.claimed_elements():
            return True
        if array.age_s < self.cluster.watch.grace_s:
            return False
        make_void(array.folder)
        for index in array.idle:
            self._forget(array, index)
            for spec in array.manifest.elements[index]:
                if spec.key in self._wanted:
                    self.outbox.put(spec, array.manifest.request)
        return bool(array.open)

    def _settle(self, array: Array, index: int, end: ElementEnd | None, verdict: str) -> Iterator[Outcome]:
        """An element came to an end: its tasks are taken in, tried again, or have failed. end : what it left."""
        self._forget(array, index)
        self._note_use(array, index, end, verdict)
        if verdict == verdicts.ENDED and end is not None:
            yield from self._take_in(array, index, end)
            return
        revoke(array.folder, index, verdict)
        specs = array.manifest.elements[index]
        states = self._state(specs, [array.folder.writer(index)])
        for spec in specs:
            if states[spec.key] == DONE:
                yield self._end(spec, log_path=array.folder.log(index))
            else:
                yield from self._try_again(array, index, spec, verdict)

    def _take_in(self, array: Array, index: int, end: ElementEnd) -> Iterator[Outcome]:
        errors = {one.key: one.error for one in end.tasks}
        self._note_failures(array, index, end)
        for spec in array.manifest.elements[index]:
            if error := end.error or errors.get(spec.key, ""):
                yield self._end(spec, error, array.folder.log(index))
            else:
                self._unconfirmed[spec.key] = Unconfirmed(spec, array, index, time.monotonic())

    def _note_failures(self, array: Array, index: int, end: ElementEnd | None) -> None:
        """An element of which most tasks failed counts against its array."""
        if end and (end.error or 2 * sum(bool(one.error) for one in end.tasks) > len(end.tasks)):
            array.failed.add(index)

    def _confirm(self) -> Iterator[Outcome]:
        """Tasks whose element says that they were made: are their outputs there?"""
        if not self._unconfirmed:
            return
        writers = {one.array.folder.writer(one.index) for one in self._unconfirmed.values()}
        states = self._state([one.spec for one in self._unconfirmed.values()], writers)
        grace_s = self.cluster.watch.grace_s
        for key, one in list(self._unconfirmed.items()):
            is_old_plan = states[key] == OTHER and not one.array.ours
            if states[key] != DONE and not is_old_plan and time.monotonic() - one.since < grace_s:
                continue
            del self._unconfirmed[key]
            if states[key] == DONE:
                yield self._end(one.spec, log_path=one.array.folder.log(one.index))
            elif is_old_plan:  # it was submitted before something changed
                if key in self._wanted:
                    self.outbox.put(one.spec, self.cluster.stages[one.spec.family])
            else:
                node = one.array.node(one.index)
                said = (
                    f"was made{f' on {node}' if node else ''}, but its output is not to be seen here after "
                    f"{grace_s:.0f} s, or what it was made from changed meanwhile; data_root has to be on a disk that "
                    "all nodes share: see to that, and run the same command again."
                )
                yield self._end(one.spec, said, one.array.folder.log(one.index))

    def _try_again(self, array: Array, index: int, spec: TaskSpec, cause: str) -> Iterator[Outcome]:
        node, name = array.node(index), array.folder.name
        before = array.manifest.request
        request = verdicts.next_request(before, cause, spec.tries, self.outbox.limits_of(before), node)
        if request is None:
            said = verdicts.sentence(cause, array.manifest.asked, spec.family, node, spec.tries.count(cause) + 1)
            yield self._end(spec, said, array.folder.log(index))
            return
        spec = replace(spec, tries=(*spec.tries, cause))
        if spec.key not in self._wanted:
            self._lost[spec.key] = spec, request
            return
        log.warning("%s: %s in %s, it is tried again", spec, cause, name)
        self.outbox.put(spec, request, name)

    def _give_up(self, array: Array) -> Iterator[Outcome]:
        """Stop an array early in which most elements fail by the tasks' own error."""
        ended = len(array.settled)
        if not array.failed or not verdicts.is_hopeless(ended, len(array.failed), len(array.idle)):
            return
        make_void(array.folder)
        for job in array.jobs:
            self._cancel(job, waiting_only=True)
        said = (
            f"was not tried: {len(array.failed)} of the {ended} jobs before it failed by an error of their own; mend "
            "that, and run the same command again."
        )
        for index in array.idle:
            self._forget(array, index)
            revoke(array.folder, index, verdicts.NOT_TRIED)
            yield from (self._end(spec, said) for spec in array.manifest.elements[index])

    def cancel(self) -> int:
        """Nothing of this fleet begins any more, and what runs is ended. Returns how many elements that were. Where the
        queue does not answer, `trouble` says so, and what runs is left."""
        count = 0
        self.outbox.clear()
        for array in self.arrays:
            make_void(array.folder)
            answers = [self._cancel(job) for job in array.jobs]
            if not all(answers):
                continue
            count += len(array.open)
            claimed = array.folder.claimed_elements()
            for index in array.open:
                if index in claimed:
                    revoke(array.folder, index, verdicts.CANCELLED)
                self._forget(array, index)
        self._close_settled()
        return count

    def _cancel(self, job: str, *, waiting_only: bool = False) -> bool:
        try:
            self.backend.cancel(job, waiting_only=waiting_only)
        except (Unreachable, Refused) as error:
            self.trouble = f"job {job} could not be cancelled: {error}; what has not begun of it will not"
            log.warning("%s", self.trouble)
            return False
        return True

    def _forget(self, array: Array, index: int) -> None:
        array.settled.add(index)
        for spec in array.manifest.elements[index]:
            if self._where.get(spec.key) is array:
                del self._where[spec.key]

    def _end(self, spec: TaskSpec, error: str = "", log_path: Path | None = None) -> Outcome:
        self._wanted.discard(spec.key)
        return Outcome(spec, error, log_path)

    def _close_settled(self) -> None:
        for array in [one for one in self.arrays if not one.open]:
            self.arrays.remove(array)
            write_whole(array.folder.closed, {"at": now()})

    def _note_use(self, array: Array, index: int, end: ElementEnd | None, verdict: str) -> None:
        asked = array.manifest.asked
        self.history.add(
            Used(
                element=array.folder.writer(index),
                stage=array.manifest.stage,
                at=now(),
                seconds=end.seconds if end else 0.0,
                task_seconds=tuple(one.seconds for one in end.tasks if not one.error) if end else (),
                core_seconds=end.core_seconds if end else 0.0,
                memory_gb=end.memory_gb if end else 0.0,
                cores=asked.cores,
                asked_memory_gb=asked.memory_gb,
                asked_minutes=asked.minutes,
                cause="" if verdict == verdicts.ENDED else verdict,
            )
        )
