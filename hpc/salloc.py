"""For trying heavy tasks live: each element in an interactive allocation, one after the other, its output on the
terminal. It is sciluigi's SlurmTask; this is the only file that knows sciluigi.

sciluigi makes a folder `log` where it is imported and has its own mind about logging; its SlurmTask asks for no memory,
shows nothing before the end, sends the whole environment to the node, and fails where Slurm has no accounting.
"""

from __future__ import annotations

import contextlib
import logging
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from hpc.backend import Job, QueueLimits, Refused, Submission, Unreachable
from hpc.cluster import ClusterError, Request
from hpc.slurm import Slurm, environment, meaning, options_of, write_script

SAYINGS = {"out of memory": "OUT_OF_MEMORY", "oom-kill": "OUT_OF_MEMORY", "due to time limit": "TIMEOUT",
           "due to node failure": "NODE_FAIL", "due to preemption": "PREEMPTED"}  # fmt: skip
"""Of what srun says when it ends, in small letters."""


class Salloc:
    name = "salloc"

    def __init__(self) -> None:
        self._slurm = Slurm()
        self._ended: list[Job] = []

    def check(self, requests: Iterable[tuple[str, Request]]) -> None:
        self._slurm.check(requests)
        if missing := [one for one in ("salloc", "srun") if shutil.which(one) is None]:
            raise ClusterError(f"There is no {missing[0]} on this machine; set [hpc] backend = slurm in luigi.cfg.")
        _live_task()

    def limits(self) -> QueueLimits:
        """One by one, so that each is heard of before the next begins."""
        return QueueLimits(array_size=1, submitted=1)

    def most(self, request: Request) -> Request:
        return self._slurm.most(request)

    def submit(self, submission: Submission) -> str:
        script, number = write_script(submission), ""
        for index in range(submission.elements):
            status, said = _run(submission, script, index)
            granted = re.search(r"Granted job allocation (\d+)", said)
            if granted is None:
                raise meaning(status, said)
            number = granted[1]
            states = [state for words, state in SAYINGS.items() if words in said.lower()]
            state = "COMPLETED" if status == 0 else [*states, "FAILED"][0]
            self._ended.append(Job(number, index, submission.name, state))
        return number

    def jobs(self, names: Collection[str]) -> list[Job]:
        return [job for job in self._ended if job.name in names]

    def ended(self, arrays: Collection[str]) -> list[Job]:
        return []

    def cancel(self, array: str, *, waiting_only: bool = False) -> None:
        """There is nothing that runs while anything else does."""


def _run(submission: Submission, script: Path, index: int) -> tuple[int, str]:
    """Exit status and all that was said, when it is over."""
    request = submission.request
    words = [
        *(f"--job-name={submission.name}", *options_of(request)),
        *("srun", "--ntasks=1", f"--cpus-per-task={request.cores}"),
        f"--export=ALL,SLURM_ARRAY_TASK_ID={index}",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Luigi's: these parameters are no texts
        task = _live_task()(instance_name=submission.name, workflow_task=None, slurminfo=_Arguments(" ".join(words)))
    task.log = submission.logs / f"{index}.log"
    status, said, _ = task.ex_hpc(f"bash {shlex.quote(str(script))}")
    return status, said


@dataclass(frozen=True)
class _Arguments:
    """Of salloc. In place of sciluigi's SlurmInfo."""

    words: str

    def get_argstr_hpc(self) -> str:
        return self.words


@lru_cache(1)
def _live_task() -> Any:
    """A SlurmTask whose output is on the terminal as it comes, and in a log. Raises ClusterError."""
    sciluigi = _imported()

    class Live(sciluigi.SlurmTask):  # type: ignore[misc,name-defined]
        log: Path

        def ex_local(self, command: str) -> tuple[int, str, str]:
            lines = []
            with (
                self.log.open("a", encoding="utf-8") as log,
                subprocess.Popen(
                    f"exec {command}", shell=True, text=True, errors="replace", start_new_session=True,
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment(),
                ) as process,
            ):  # fmt: skip
                try:
                    for line in process.stdout or ():
                        lines.append(line)
                        for out in (sys.stderr, log):
                            out.write(line)
                            out.flush()
                except BaseException:  # such as Ctrl-C: the allocation ends with this process
                    _cancel("".join(lines))
                    process.terminate()
                    raise
            return process.returncode, "".join(lines), ""

        def log_slurm_info(self, stderr: str) -> None:
            """sciluigi's asks sacct, and fails where there is no accounting."""

    return Live


def _cancel(said: str) -> None:
    if granted := re.search(r"job allocation (\d+)", said):
        with contextlib.suppress(Unreachable, Refused):
            Slurm().cancel(granted[1])


def _imported() -> Any:
    """sciluigi, without its folder `log`, and with all loggers as they were."""
    loggers = [logging.getLogger(name) for name in ("luigi-interface", "sciluigi-interface")]
    before = [(one.level, list(one.handlers)) for one in loggers]
    logging.disable(logging.WARNING)  # that there is no PostgreSQL
    try:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # its code has backslashes that Python 3.12 warns of
            import sciluigi
    except ImportError:
        raise ClusterError(
            "The Python package sciluigi is not installed; wanted it for [hpc] backend = salloc: "
            "`pip install 'brainstack[salloc]'`, or set backend = slurm."
        ) from None
    finally:
        logging.disable(logging.NOTSET)
        for logger, (level, handlers) in zip(loggers, before, strict=True):
            for handler in set(logger.handlers) - set(handlers):
                logger.removeHandler(handler)
                handler.close()
            logger.setLevel(level)
    return sciluigi


QUEUE = Salloc
