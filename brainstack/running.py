"""Starting and stopping runs as a person would: the same command, which goes on when whoever started it ends."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from brainstack.animal_folder import AnimalFolder
from brainstack.environment import CHECKOUT, config_file, data_root, luigid_address
from brainstack.errors import BrainstackError
from brainstack.last_run import read_last_run
from brainstack.locking import being_run, holder_of
from brainstack.run_progress import RunLog

TARGETS = {
    "Animal": "everything",
    "Meta": "what the slide scans say",
    "Preps": "pictures of the sections, in order",
    "Masks": "masks",
    "Clean": "cleaned sections",
    "Alignment": "aligned sections",
    "Downsampling": "volumes for Neuroglancer",
}
"""Up to where a run can go: Luigi's task, and in words."""
WITH_RESOLUTION = "Animal", "Masks", "Clean", "Alignment", "Downsampling"
RESOLUTIONS = "thumbnail", "full"
BACKENDS = "", "local", "slurm", "salloc"
"""Where heavy stages are made; "" is as luigi.cfg says."""
ANSWER_S = 1.0
LOOK_S = 0.2
"""How long to wait before looking again whether a run has ended."""


@dataclass(frozen=True)
class Wish:
    """What a run shall make. Raises BrainstackError for what there is not."""

    target: str = "Animal"
    resolution: str = "thumbnail"
    backend: str = ""

    def __post_init__(self) -> None:
        for what, value, allowed in (
            ("target", self.target, TARGETS),
            ("resolution", self.resolution, RESOLUTIONS),
            ("backend", self.backend, BACKENDS),
        ):
            if value not in allowed:
                raise BrainstackError(f"The {what} is {value!r}; wanted one of {', '.join(filter(None, allowed))}.")
        if self.resolution == "full" and self.target not in WITH_RESOLUTION:
            raise BrainstackError(f"{self.target} has no full resolution; wanted one of {', '.join(WITH_RESOLUTION)}.")


def luigi_command(prep_id: str, wish: Wish, *, is_scheduler_there: bool) -> list[str]:
    """The words that a person would type."""
    words = ["luigi", "--module", "tasks", wish.target, "--animal", prep_id]
    words += ["--resolution", wish.resolution] if wish.resolution != "thumbnail" else []
    words += ["--hpc-backend", wish.backend] if wish.backend else []
    return words if is_scheduler_there else [*words, "--local-scheduler"]


def luigid_answers() -> bool:
    """True where luigid is at the address of luigi.cfg."""
    host, port = luigid_address()
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/api/is_paused", timeout=ANSWER_S) as answer:
            return "response" in json.loads(answer.read(1000))
    except (OSError, ValueError):
        return False


@dataclass(frozen=True)
class Started:
    """A run that this process started. at : ISO 8601, UTC. words : as a person would type them. output : the file with
    what the terminal would show. returned : its exit status, None while it goes on."""

    at: str
    words: tuple[str, ...]
    output: Path
    returned: Callable[[], int | None]

    @property
    def command(self) -> str:
        return shlex.join(self.words)


def start_run(folder: AnimalFolder, wish: Wish) -> Started:
    """Start a run, which goes on when this process ends. Raises BrainstackError where the animal is run already, or
    where there is no checkout with the tasks."""
    if holder := holder_of(folder):
        raise BrainstackError(being_run(folder.prep_id, holder))
    program = Path(sys.executable).parent / "luigi"
    if not (CHECKOUT / "tasks").is_dir() or not program.exists():
        raise BrainstackError(
            f"Runs are started from a checkout of brainstack, with luigi beside {sys.executable}; one of them is not "
            "there; install it by `pip install -e .` in the checkout."
        )
    words = luigi_command(folder.prep_id, wish, is_scheduler_there=luigid_answers())
    now = datetime.now(UTC)
    output = output_of(folder, now.strftime("%Y%m%d-%H%M%S"))
    output.parent.mkdir(parents=True, exist_ok=True)
    with output.open("w", encoding="utf-8") as written:
        process = _begin([str(program), *words[1:]], written)
    threading.Thread(target=process.wait, name=f"run of {folder.prep_id}", daemon=True).start()
    return Started(now.isoformat(timespec="seconds"), tuple(words), output, lambda: process.returncode)


def _begin(words: list[str], output: IO[str]) -> subprocess.Popen[bytes]:
    """In the checkout, with the settings that are in force here."""
    found = {"BRAINSTACK_DATA_ROOT": str(data_root()), "COLUMNS": "110"}
    if (config := config_file()) is not None:
        found["LUIGI_CONFIG_PATH"] = str(config)
    return subprocess.Popen(
        words, cwd=CHECKOUT, env=os.environ | found, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        start_new_session=True,
    )  # fmt: skip


def output_of(folder: AnimalFolder, run: str) -> Path:
    """What the terminal would show of a run that was started by the review page."""
    return folder.log(f"{run}-review").with_suffix(".out")


def newest_output(folder: AnimalFolder) -> Path | None:
    """Of the last run that the review page started; None where it started none."""
    return max(folder.log("x").parent.glob("*-review.out"), default=None)


def stop_run(folder: AnimalFolder) -> str:
    """As Ctrl-C in the terminal of the run would. Returns whom it told. Raises BrainstackError where nothing runs, or
    not on this computer, or as another user."""
    holder = holder_of(folder)
    if not holder:
        raise BrainstackError(f"{folder.prep_id} is not being run; there is nothing to stop.")
    found = re.fullmatch(r"process (\d+) on (\S+)", holder)
    if found is None or found[2] != os.uname().nodename:
        raise BrainstackError(
            f"{folder.prep_id} is being run by {holder}, and this is {os.uname().nodename}; stop it there, with "
            f"Ctrl-C or `brainstack stop {folder.prep_id}`."
        )
    number = int(found[1])
    if not _is_run_of(number, folder.prep_id):
        raise BrainstackError(
            f"{holder}, which holds {folder.prep_id}, is no run of it; wait for it, or stop it there."
        )
    try:
        os.kill(number, signal.SIGINT)
    except PermissionError as error:
        raise BrainstackError(
            f"{folder.prep_id} is being run by {holder}, which is {_owner_of(number)}'s, and only they can stop it, "
            f"with `brainstack stop {folder.prep_id}`."
        ) from error
    except ProcessLookupError as error:
        raise BrainstackError(f"{folder.prep_id} was being run by {holder}, and that run has just ended.") from error
    return holder


def wait_until_ended(folder: AnimalFolder, holder: str) -> None:
    """Until the run that `stop_run` told is gone, with all that it started."""
    while holder_of(folder) == holder:
        time.sleep(LOOK_S)


def said_at_end(folder: AnimalFolder, holder: str) -> str:
    """What a run that is gone said of its end, and how to go on. holder : who it was, as `stop_run` returned it."""
    run = read_last_run(folder)
    if run is None or run.process != holder:  # told before it had noted that it began, or another came since
        return "it has ended"
    said = [line.partition(" | ")[2] for line in RunLog(Path(run.log)).progress().lines]
    ends = [line for line in said if line.startswith("ended, ")]
    return ends[-1] if ends else f"it broke off without a word of how; its log is {run.log}"


def _owner_of(number: int) -> str:
    """The user whose process it is."""
    try:
        words = subprocess.run(["ps", "-o", "user=", "-p", str(number)], capture_output=True, text=True, check=False)
        return words.stdout.strip() or "another user"
    except FileNotFoundError:  # a small container has no ps
        try:
            return Path(f"/proc/{number}").owner()
        except (OSError, KeyError):
            return "another user"


def _is_run_of(number: int, prep_id: str) -> bool:
    """True for a process that is Luigi with this animal."""
    try:
        words = subprocess.run(
            ["ps", "-ww", "-o", "args=", "-p", str(number)], capture_output=True, text=True, check=False
        ).stdout.split()
    except FileNotFoundError:  # a small container has no ps
        file = Path(f"/proc/{number}/cmdline")
        words = file.read_bytes().decode(errors="replace").split("\0") if file.exists() else []
    is_luigi = any(Path(word).name in ("luigi", "tasks") for word in words)
    return is_luigi and (f"--animal={prep_id}" in words or ("--animal", prep_id) in itertools.pairwise(words))
