"""Runs that are killed, for tests of what is left of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from lab import Lab

LUIGI = ("luigi", "--module", "tasks", "Animal", "--animal", "DEMO", "--local-scheduler", "--workers", "2")


def said_in(lab: Lab) -> set[Path]:
    """Where processes say what they do until the run that drives them packs it."""
    return set((lab.folder.stamps / "new").glob("*.jsonl"))


def begun(paths: Iterable[Path]) -> set[str]:
    """Stages of which a step has been begun: the process that makes it has said so."""
    return {stage for path in paths for stage in begun_by(text_of(path))}


def begun_by(said: str) -> Iterator[str]:
    """The stages of a process's steps. What it says of another step meanwhile is no beginning of that."""
    making = None
    for line in filter(None, said.split("\n")[:-1]):
        *step, stamp = json.loads(line)
        if making is None:
            making = step
            yield step[0]
        elif step == making and stamp is not None:
            making = None


def text_of(path: Path) -> str:
    """What it holds; nothing where the run packed it since it was listed."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what the test waits for did not come"
        time.sleep(0.01)


@contextmanager
def running(lab: Lab, command: tuple[str, ...] = LUIGI) -> Iterator[subprocess.Popen[str]]:
    """A run that is on its way; nothing of it is left afterwards."""
    process = lab.start(*command)
    try:
        yield process
    finally:
        for one in children_of(process):
            one.kill()
        if process.poll() is None:
            process.kill()
        process.communicate()


def children_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def killed_in(lab: Lab, stages: set[str], command: tuple[str, ...] = LUIGI) -> set[str]:
    """Start a run, and end it and its workers with kill -9 as soon as one of these stages has begun. Returns which."""
    before = said_in(lab)
    with running(lab, command) as process:
        wait_for(lambda: process.poll() is not None or bool(begun(said_in(lab) - before) & stages))
        assert process.poll() is None, f"a run ended and made nothing of {stages}"
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    return begun(said_in(lab) - before) & stages


def kill_luigid(port: int) -> None:
    """kill -9 of the luigid that listens there: it forgets all that it knew."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if str(port) in words and any(word.endswith("luigid") for word in words):
            process.kill()
            process.wait(10)
