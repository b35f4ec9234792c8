"""An array of jobs on disk. Its folder is the only memory there is: whoever looks into it knows what shall run, what
was submitted, what began and how it ended, and may go on where another was killed.

    manifest.json   what shall run; written before it is submitted, so that no job is without one
    job.json        the queue's numbers for it; written after
    void            nothing of it may begin any more
    claims/7        who runs element 7: made by the first that begins it, and by nobody else
    revoked/7       element 7 is taken for dead; should it live, it writes nothing more
    ended/7.json    how element 7 ended
    logs/7.log      what it said
    closed.json     all of it is settled
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hpc.cluster import ClusterError, Request

FORMAT = 1


@dataclass(frozen=True)
class TaskSpec:
    """A Luigi task, in words. tries : why earlier tries of it ended."""

    family: str
    parameters: Mapping[str, str]
    tries: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return json.dumps([self.family, dict(sorted(self.parameters.items()))])

    def __str__(self) -> str:
        return " ".join([self.family, *(value for value in self.parameters.values() if value)])


@dataclass(frozen=True)
class Manifest:
    """module : that defines the tasks. context : what it needs to know on the node. request : what each of its tasks
    needs; asked : what was asked for, for the whole of an element. elements : the tasks of each."""

    name: str
    stage: str
    module: str
    context: Mapping[str, str]
    request: Request
    asked: Request
    elements: tuple[tuple[TaskSpec, ...], ...]
    made_at: str = ""
    format: int = FORMAT


@dataclass(frozen=True)
class TaskEnd:
    """error : "" where it was made."""

    key: str
    seconds: float
    error: str = ""


@dataclass(frozen=True)
class ElementEnd:
    """How an element ended. memory_gb : at most at once. out_of_memory : True where the kernel killed a part of it."""

    job: str
    host: str
    started_at: str
    seconds: float
    core_seconds: float
    memory_gb: float
    out_of_memory: bool = False
    error: str = ""
    tasks: tuple[TaskEnd, ...] = ()


@dataclass(frozen=True)
class Claim:
    job: str
    host: str
    process: int
    at: str


@dataclass(frozen=True)
class ArrayFolder:
    """Where everything of an array is."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def manifest(self) -> Path:
        return self.path / "manifest.json"

    @property
    def job(self) -> Path:
        return self.path / "job.json"

    @property
    def void(self) -> Path:
        return self.path / "void"

    @property
    def closed(self) -> Path:
        return self.path / "closed.json"

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    def log(self, index: int) -> Path:
        return self.logs / f"{index}.log"

    def claim(self, index: int) -> Path:
        return self.path / "claims" / str(index)

    def revoked(self, index: int) -> Path:
        return self.path / "revoked" / str(index)

    def ended(self, index: int) -> Path:
        return self.path / "ended" / f"{index}.json"

    def writer(self, index: int) -> str:
        """What an element's own files are called. Those of a later array sort after it."""
        return f"{self.name}.{index}"

    def is_void(self) -> bool:
        return self.void.name in _names(self.path)

    def is_revoked(self, index: int) -> bool:
        return index in self.revoked_elements()

    def ended_elements(self) -> set[int]:
        return _numbers(self.path / "ended")

    def revoked_elements(self) -> set[int]:
        return _numbers(self.path / "revoked")

    def claimed_elements(self) -> set[int]:
        return _numbers(self.path / "claims")


def _names(folder: Path) -> list[str]:
    """The folder is listed, never its files asked for: that is what a network disk answers anew."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - thousands of names each second
    except FileNotFoundError:
        return []


def _numbers(folder: Path) -> set[int]:
    """Elements that have a file there; what is half written begins with a dot."""
    return {int(name.removesuffix(".json")) for name in _names(folder) if name[0] != "."}


def array_name(stage: str) -> str:
    """A name that no other array has, and that sorts by time."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}-{secrets.token_hex(3)}-{stage}"


def arrays_in(folder: Path, *, closed: bool = False) -> list[ArrayFolder]:
    """The arrays below a folder, the oldest first; without those that are settled, unless asked for."""
    found = [ArrayFolder(folder / name) for name in sorted(_names(folder)) if not name.startswith(".")]
    return [one for one in found if one.manifest.exists() and (closed or not one.closed.exists())]


def write_manifest(folder: ArrayFolder, manifest: Manifest) -> None:
    """Makes the folder as well. It is on the disk when this returns."""
    for name in ("claims", "revoked", "ended", "logs"):
        (folder.path / name).mkdir(parents=True, exist_ok=True)
    write_whole(folder.manifest, asdict(manifest))


def read_manifest(path: Path) -> Manifest:
    """Raises FileNotFoundError, and ClusterError for one of a newer brainstack."""
    content = json.loads(path.read_text())
    if content["format"] > FORMAT:
        raise ClusterError(
            f"{path} is of format {content['format']}, from a newer brainstack; this one knows up to {FORMAT}: use the "
            "newer."
        )
    for name in ("request", "asked"):
        one = content[name]
        content[name] = Request(**one | {"options": tuple(one["options"]), "exclude": tuple(one["exclude"])})
    content["elements"] = tuple(
        tuple(TaskSpec(one["family"], one["parameters"], tuple(one["tries"])) for one in tasks)
        for tasks in content["elements"]
    )
    return Manifest(**content)


def read_jobs(folder: ArrayFolder) -> list[str]:
    """The queue's numbers for an array: none where it was not submitted, or nobody lived to write that down."""
    try:
        return list(json.loads(folder.job.read_text())["jobs"])
    except FileNotFoundError:
        return []


def write_jobs(folder: ArrayFolder, jobs: list[str]) -> None:
    write_whole(folder.job, {"jobs": jobs})


def make_void(folder: ArrayFolder) -> None:
    """From now on none of its elements begins; those that have begun go on."""
    write_whole(folder.void, {"at": now()})


def revoke(folder: ArrayFolder, index: int, cause: str) -> None:
    """From now on an element that is taken for dead writes nothing more. cause : what it is taken to have died of."""
    write_whole(folder.revoked(index), {"at": now(), "cause": cause})


def claim(folder: ArrayFolder, index: int, mine: Claim) -> Claim:
    """Whose an element is: mine, unless another was first."""
    path = folder.claim(index)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return read_claim(folder, index) or mine
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(mine), file)
        file.flush()
        os.fsync(file.fileno())
    return mine


def read_claim(folder: ArrayFolder, index: int) -> Claim | None:
    """Who runs an element; without a job where that is just being written."""
    try:
        return Claim(**json.loads(folder.claim(index).read_text()))
    except FileNotFoundError:
        return None
    except ValueError:
        return Claim(job="", host="", process=0, at="")


def write_end(folder: ArrayFolder, index: int, end: ElementEnd) -> None:
    write_whole(folder.ended(index), asdict(end))


def read_end(folder: ArrayFolder, index: int) -> ElementEnd | None:
    try:
        content = json.loads(folder.ended(index).read_text())
    except FileNotFoundError:
        return None
    return ElementEnd(**content | {"tasks": tuple(TaskEnd(**one) for one in content["tasks"])})


def write_whole(path: Path, content: Any) -> None:
    """JSON, whole or not at all, and on the disk when this returns. The folder is made where somebody removed it."""
    part = path.with_name(f".{path.name}-{os.uname().nodename}-{os.getpid()}")
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("w", encoding="utf-8") as file:
                json.dump(content, file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Have an error of the disk say which file it is about: one of a full disk does not."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
