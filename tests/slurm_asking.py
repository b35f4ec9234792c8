"""What tests ask of a Slurm, the real one of tests/slurm_cluster.py or the one of tests/fake_slurm."""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from collections.abc import Callable

USER = pwd.getpwuid(os.getuid()).pw_name
CALL_S = 60.0
ENDED = {
    *("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"),
    "TIMEOUT",
}
"""The states after which nothing of a job runs any more. (COMPLETING and REQUEUED go on to another one.)"""


class Slurm:
    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's commands have to find in the environment."""
        raise NotImplementedError

    def run(self, *words: object, check: bool = True, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """One of Slurm's commands."""
        done = subprocess.run(
            [str(word) for word in words],
            capture_output=True, text=True, input=text, env=os.environ | self.environment, timeout=CALL_S,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(map(str, words))}: {done.stderr}{done.stdout}")
        return done

    def submit(self, *words: object, script: str) -> int:
        """Returns the number of the job, of the whole array."""
        return int(self.run("sbatch", "--parsable", *words, text=script).stdout.split(";")[0])

    def rows(self) -> list[list[str]]:
        """Array or job, index (N/A where it is none), state, reason, name and node of all that Slurm knows of."""
        said = self.run("squeue", "-h", "-r", "-t", "all", "-u", USER, "-o", "%F|%K|%T|%r|%j|%N").stdout
        return [line.split("|") for line in said.splitlines()]

    def states(self, job: int) -> dict[str, str]:
        """Index (N/A) -> state. Nothing of a job that Slurm forgot."""
        return {row[1]: row[2] for row in self.rows() if int(row[0]) == job}

    def wait(self, job: int, states: set[str] | None = None, *, seconds: float = 60) -> dict[str, str]:
        """Until all of a job is in one of these states; without, until it has ended. Returns its states."""
        found: dict[str, str] = {}

        def reached() -> bool:
            found.clear()
            found.update(self.states(job))
            return bool(found) and set(found.values()) <= (states or ENDED)

        self.wait_for(reached, f"job {job} is not {states or 'at its end'}", seconds)
        return found

    def wait_for(self, condition: Callable[[], bool], otherwise: str, seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise RuntimeError(f"Slurm of the tests: {otherwise}. Its log: {self.last_of_the_log()}")
            time.sleep(0.05)

    def last_of_the_log(self) -> str:
        raise NotImplementedError
