"""A queue for tests that is none: it takes arrays, and its jobs do what the test says."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path

from hpc.arrays import ArrayFolder, Claim, ElementEnd, TaskEnd, TaskSpec, claim, read_manifest, write_end
from hpc.backend import Job, QueueLimits, Submission
from hpc.cluster import Request

MADE = ""


@dataclass
class QueueInMemory:
    """answers : what becomes of the next submissions, an error that is raised or None; after those, all are taken.
    lost : the array is taken all the same where an error is raised. books : what `ended` says."""

    name: str = "memory"
    answers: list[Exception | None] = field(default_factory=list)
    lost: bool = False
    silent: Exception | None = None
    limited: QueueLimits = field(default_factory=QueueLimits)
    largest_gb: float = inf
    longest_minutes: float = inf
    submissions: list[Submission] = field(default_factory=list)
    known: dict[tuple[str, int], Job] = field(default_factory=dict)
    books: list[Job] = field(default_factory=list)
    cancelled: list[tuple[str, bool]] = field(default_factory=list)

    def check(self, requests: Iterable[tuple[str, Request]]) -> None:
        pass

    def limits(self) -> QueueLimits:
        return self.limited

    def most(self, request: Request) -> Request:
        return replace(request, memory_gb=self.largest_gb, minutes=self.longest_minutes)

    def submit(self, submission: Submission) -> str:
        error = self.answers.pop(0) if self.answers else None
        if error and not self.lost:
            raise error
        self.submissions.append(submission)
        number = str(len(self.submissions))
        self.take(number, submission.name, submission.elements)
        if error:
            raise error
        return number

    def take(self, number: str, name: str, elements: int) -> None:
        for index in range(elements):
            self.known[number, index] = Job(number, index, name, "PENDING")

    def jobs(self, names: Collection[str]) -> list[Job]:
        if self.silent:
            raise self.silent
        return [job for job in self.known.values() if job.name in names]

    def ended(self, arrays: Collection[str]) -> list[Job]:
        return [job for job in self.books if job.array in arrays]

    def cancel(self, array: str, *, waiting_only: bool = False) -> None:
        self.cancelled.append((array, waiting_only))

    # what the test does to them

    def set(self, number: int | str, index: int, state: str, reason: str = "", node: str = "n1") -> None:
        key = (str(number), index)
        self.known[key] = replace(self.known[key], state=state, reason=reason, node=node)

    def forget(self, number: int | str) -> None:
        self.known = {key: job for key, job in self.known.items() if key[0] != str(number)}


def folder_of(submission: Submission) -> ArrayFolder:
    return ArrayFolder(submission.logs.parent)


def run_element(folder: ArrayFolder, index: int, errors: dict[str, str] | None = None, **said: object) -> None:
    """As a node does: claim it, and leave word of how it ended. errors : of tasks, by their word."""
    begin_element(folder, index)
    tasks = read_manifest(folder.manifest).elements[index]
    ends = tuple(TaskEnd(spec.key, 1.0, (errors or {}).get(word_of(spec), MADE)) for spec in tasks)
    end = ElementEnd("1_0", "n1", "", float(len(tasks)), 0.5, 0.25, tasks=ends)
    write_end(folder, index, replace(end, **said))  # type: ignore[arg-type]


def begin_element(folder: ArrayFolder, index: int) -> None:
    claim(folder, index, Claim("1_0", "n1", 1, ""))


def spec(word: str, family: str = "Sum") -> TaskSpec:
    return TaskSpec(family, {"word": word})


def word_of(spec: TaskSpec) -> str:
    return spec.parameters["word"]


def array_folder(path: Path) -> ArrayFolder:
    """An array's folder without anything in it."""
    for name in ("claims", "revoked", "ended", "logs"):
        (path / name).mkdir(parents=True)
    return ArrayFolder(path)
