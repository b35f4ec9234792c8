"""On a node: one element of an array. `python -m hpc.run MANIFEST INDEX`

It needs the manifest and the animal's folder, and nobody else: no scheduler, no database, no graph of tasks.
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from luigi.task_register import Register

from hpc.arrays import (
    ArrayFolder,
    Claim,
    ElementEnd,
    Manifest,
    TaskEnd,
    TaskSpec,
    claim,
    now,
    read_manifest,
    write_end,
)

NO_MANIFEST = 97
"""Exit status where there is nothing that says what to do."""
MANIFEST_WAIT_S = 30.0
"""How long a shared disk may take to show a manifest that was written before the job was submitted."""


class Revoked(BaseException):
    """This element was taken for dead, and another does its work."""


def main(words: list[str]) -> int:
    """Returns the exit status: 0 where all tasks were made, or are none of this process's business."""
    path, index = Path(words[0]), int(words[1])
    manifest = _wait_for_manifest(path)
    if manifest is None:
        _say(
            f"{path} is not there; wanted the list of what to run: it was removed, or this node, "
            f"{os.uname().nodename}, does not see the disk that it is on. Run the same command again; data_root has to "
            "be shared by all nodes."
        )
        return NO_MANIFEST
    signal.signal(signal.SIGTERM, _leave)
    return run_element(ArrayFolder(path.parent), manifest, index)


def run_element(folder: ArrayFolder, manifest: Manifest, index: int) -> int:
    if folder.is_void():
        return _leave_void()
    mine = Claim(job=_job(), host=os.uname().nodename, process=os.getpid(), at=now())
    owner = claim(folder, index, mine)
    if owner.job != mine.job:
        _say(
            f"element {index} of this array is run by job {owner.job} on {owner.host} already; this job does nothing, "
            "and ends"
        )
        return 0
    if folder.is_void():  # perhaps who made it so looked for claims before there was this one
        return _leave_void()

    def check() -> None:
        if folder.is_revoked(index):
            raise Revoked

    started, before = time.monotonic(), _killed_by_kernel()
    try:
        module = importlib.import_module(manifest.module)
        module.prepare_node(manifest.context, folder.writer(index), check)
        tasks = [_run_task(spec, module.sentence_of, check) for spec in manifest.elements[index]]
        error = ""
    except Revoked:
        _say("this job was taken for dead, and another one does its work now; it ends here, and nothing is lost")
        return 0
    except Exception as exception:
        traceback.print_exc()
        tasks, error = [], f"{type(exception).__name__}: {exception}"
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    end = ElementEnd(
        job=mine.job,
        host=mine.host,
        started_at=mine.at,
        seconds=round(time.monotonic() - started, 3),
        core_seconds=round(sum(one.ru_utime + one.ru_stime for one in usage), 3),
        memory_gb=round(max(_highest_kb(), usage[1].ru_maxrss) / 1024**2, 3),
        out_of_memory=_killed_by_kernel() > before,
        error=error,
        tasks=tuple(tasks),
    )
    write_end(folder, index, end)
    return 1 if error or any(one.error for one in tasks) else 0


def _highest_kb() -> int:
    """Most memory that this process had at once. What the system counts for it includes what its parent had."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _leave_void() -> int:
    _say("this array was cancelled before this element began; nothing is done")
    return 0


def _run_task(spec: TaskSpec, sentence_of: Callable[[BaseException], str], check: Callable[[], None]) -> TaskEnd:
    check()
    started, error = time.monotonic(), ""
    try:
        task: Any = Register.get_task_cls(spec.family).from_str_params(dict(spec.parameters))  # type: ignore[no-untyped-call]
        task.run()
    except Exception as exception:
        traceback.print_exc()
        error = sentence_of(exception)
    _say(f"{spec} | {f'failed: {error}' if error else 'made'}")
    return TaskEnd(spec.key, round(time.monotonic() - started, 3), error)


def _wait_for_manifest(path: Path) -> Manifest | None:
    """The manifest, or None where it does not come. Void arrays have theirs as well."""
    end = time.monotonic() + MANIFEST_WAIT_S
    while True:
        try:
            return read_manifest(path)
        except FileNotFoundError:
            if time.monotonic() > end or not path.parents[1].is_dir():
                return None
            time.sleep(1)


def _job() -> str:
    """The queue's number for this job; a job that the queue starts anew has the same."""
    return os.environ.get("HPC_JOB") or f"process {os.getpid()}"


def _killed_by_kernel() -> int:
    """How many processes of this job the kernel killed for want of memory. Queues call such a job completed where its
    first process lived. 0 where the job has no control group of its own."""
    try:
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return 0
    count = 0
    for _, controllers, path in groups:
        if "slurm" not in path:
            continue
        root = Path("/sys/fs/cgroup") / (controllers if controllers else "")
        for name in ("memory.events", "memory.oom_control"):
            try:
                lines = (root / path.lstrip("/") / name).read_text().splitlines()
            except OSError:
                continue
            count += sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return count


def _leave(number: int, frame: FrameType | None) -> None:
    """The queue ends this job, and knows why: no end is written, and what is half written is removed."""
    raise SystemExit(128 + number)


def _say(sentence: str) -> None:
    sys.stderr.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {sentence}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
