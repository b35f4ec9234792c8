"""Tasks that wait to be submitted: gathered, bundled, and sent as arrays, as many at once as the queue takes."""

from __future__ import annotations

import logging
import shlex
import shutil
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from hpc.arrays import ArrayFolder, Manifest, TaskSpec, array_name, now, write_jobs, write_manifest
from hpc.backend import Backend, Refused, Submission, Unreachable
from hpc.bundles import packed, seconds_of
from hpc.cluster import Cluster, ClusterError, Limits, Request
from hpc.history import History
from hpc.live import Array
from hpc.verdicts import LOST, OUT_OF_MEMORY, TIME_LIMIT

log = logging.getLogger("brainstack")

RETRY_WAIT_S = 30.0
"""How long a task that is tried again waits for others of its array, to go out with them."""
LEAST_FREE_BYTES = 100 * 1024**2
ALONE = (LOST, OUT_OF_MEMORY, TIME_LIMIT)
"""Ends of an element that one of its tasks was the cause of, and nobody knows which: they are tried again one by
one."""
LARGEST_ARRAY = 10_000
"""Where the queue sets no limit."""


@dataclass(frozen=True)
class Client:
    """Whose tasks they are. module : that has `prepare_node` and `sentence_of`. job_name : of an array. command, setup
    : what a job runs, but for manifest and number. context : what a node has to know, when asked."""

    module: str
    job_name: Callable[[ArrayFolder], str]
    command: str
    setup: str
    context: Callable[[], Mapping[str, str]]


@dataclass(frozen=True)
class Waiting:
    """ready_at : when it need not wait for others any longer. array : that it was lost in."""

    spec: TaskSpec
    request: Request
    ready_at: float
    array: str = ""

    @property
    def alone(self) -> bool:
        return self.spec.tries[-1:] != () and self.spec.tries[-1] in ALONE


class Outbox:
    """folder : of the animal's arrays."""

    def __init__(self, folder: Path, cluster: Cluster, backend: Backend, client: Client, history: History) -> None:
        self.folder, self.cluster, self.backend, self.client, self.history = folder, cluster, backend, client, history
        self.trouble = ""
        self._waiting: dict[str, Waiting] = {}
        self._limits = backend.limits()
        self._refused_at = float("-inf")
        self._at_once: int | None = None

    def __contains__(self, key: str) -> bool:
        return key in self._waiting

    def __len__(self) -> int:
        return len(self._waiting)

    def count(self, stage: str) -> int:
        return sum(one.spec.family == stage for one in self._waiting.values())

    def clear(self) -> None:
        self._waiting.clear()

    def put(self, spec: TaskSpec, request: Request, array: str = "") -> None:
        wait_s = RETRY_WAIT_S if array else self.cluster.watch.gather_s
        self._waiting[spec.key] = Waiting(spec, request, time.monotonic() + wait_s, array)

    def send(self, alive: Iterable[Array]) -> Iterator[Array | tuple[TaskSpec, str]]:
        """Submit what is ready. Yields arrays that were sent, and what the queue will never take, with a sentence.
        alive : what was sent before and has not ended. Raises ClusterError where nothing can be sent."""
        if time.monotonic() - self._refused_at < self.cluster.watch.ask_s:
            return
        self.trouble = ""
        arrays = list(alive)
        groups: dict[tuple[str, Request, bool], list[Waiting]] = defaultdict(list)
        for one in self._waiting.values():
            groups[one.spec.family, one.request, one.alone].append(one)
        names = {array.folder.name for array in arrays}
        for (stage, request, alone), group in groups.items():
            group.sort(key=lambda one: one.spec.key)  # neighbours read the same files
            if any(one.ready_at <= time.monotonic() or (one.array and one.array not in names) for one in group):
                for sent in self._send_group(stage, request, alone, [one.spec for one in group], arrays):
                    if isinstance(sent, Array):
                        arrays.append(sent)
                    yield sent

    def _send_group(
        self, stage: str, request: Request, alone: bool, specs: list[TaskSpec], alive: list[Array]
    ) -> Iterator[Array | tuple[TaskSpec, str]]:
        seconds = seconds_of(stage, self.history.seconds(), request)
        elements, asked = packed(specs, request, seconds, self.limits_of(request), alone=alone)
        while elements and (room := self._room(alive)) > 0:
            some, elements = elements[:room], elements[room:]
            try:
                array = self._send(stage, request, asked, some)
            except Refused as refused:
                if refused.for_now:
                    self._at_once, self._refused_at = max(1, len(some) // 2), time.monotonic()
                    self.trouble = f"{self.backend.name} takes no more for now: {refused}"
                    return
                if request.exclude:  # perhaps there is no other node
                    self._ask_for_any_node(specs)
                    return
                said = f"{self.backend.name} refused its job: {str(refused).rstrip('.')}"
                for spec in specs:
                    if self._waiting.pop(spec.key, None):
                        yield spec, f"{said}; change [stages.{stage}] in config/cluster.toml."
                return
            self._at_once = None
            for spec in (spec for tasks in some for spec in tasks):
                del self._waiting[spec.key]
            yield array

    def _ask_for_any_node(self, specs: list[TaskSpec]) -> None:
        for key in (spec.key for spec in specs):
            if one := self._waiting.get(key):
                self._waiting[key] = replace(one, request=replace(one.request, exclude=()))

    def limits_of(self, request: Request) -> Limits:
        """Those of cluster.toml, where the nodes that it would go to have and allow as much."""
        limits, most = self.cluster.limits, self.backend.most(request)
        return replace(
            limits, memory_gb=min(limits.memory_gb, most.memory_gb), minutes=min(limits.minutes, most.minutes)
        )

    def _room(self, alive: list[Array]) -> int:
        """How many elements may be submitted at once now."""
        largest = min(one for one in (self.cluster.limits.array_size, self._limits.array_size, LARGEST_ARRAY) if one)
        at_most = [one for one in (self.cluster.limits.submitted, self._limits.submitted) if one]
        room = min(largest, min(at_most) - sum(len(array.open) for array in alive)) if at_most else largest
        return room if self._at_once is None else min(room, self._at_once)

    def _send(self, stage: str, request: Request, asked: Request, elements: list[list[TaskSpec]]) -> Array:
        """Write down what shall run, submit it, and write down the queue's number for it."""
        self._check_room_for_logs()
        folder = ArrayFolder(self.folder / array_name(stage))
        manifest = Manifest(
            folder.name, stage, self.client.module, self.client.context(), request, asked,
            tuple(tuple(tasks) for tasks in elements), made_at=now(),
        )  # fmt: skip
        write_manifest(folder, manifest)
        array = Array(folder, manifest, [], ours=True)
        submission = Submission(
            name=self.client.job_name(folder),
            elements=len(elements),
            command=f"{self.client.command} {shlex.quote(str(folder.manifest))}",
            request=asked,
            logs=folder.logs,
            running_elements=self.cluster.limits.running_elements,
            setup=self.client.setup,
        )
        try:
            array.jobs = [self.backend.submit(submission)]
        except Refused:
            shutil.rmtree(folder.path)
            raise
        except Unreachable as error:  # perhaps it was taken: its name will tell
            self.trouble = f"{self.backend.name} did not say whether it took {folder.name}: {error}"
            log.warning("%s", self.trouble)
        else:
            write_jobs(folder, array.jobs)
            log.info(
                "%s: %d elements, %d tasks, job %s", folder.name, len(elements), sum(map(len, elements)), array.jobs[0]
            )
        return array

    def _check_room_for_logs(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if (free := shutil.disk_usage(self.folder).free) < LEAST_FREE_BYTES:
            raise ClusterError(
                f"{self.folder} is on a disk with {free // 1024**2} MB left, wanted {LEAST_FREE_BYTES // 1024**2} MB "
                "for the logs of jobs; make room, and run the same command again."
            )
