"""Runs that are killed, stopped, or started twice: run again, the bytes are those of an undisturbed run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from lab import Lab

from brainstack.stages import ASKED_FOR, STAGES

LUIGI = ("luigi", "--module", "tasks", "Animal", "--animal", "DEMO", "--local-scheduler", "--workers", "2")

STAGES_TO_KILL_IN = [name for name in STAGES if name not in ASKED_FOR]


def has_begun(lab: Lab, stage: str) -> bool:
    """A step of the stage has been begun: the process that makes it has said so."""
    new = lab.folder.stamps / "new"
    return any(f'["{stage}",' in text_of(path) for path in new.glob("*.jsonl")) if new.is_dir() else False


def text_of(path: Path) -> str:
    """What it holds; nothing where the run packed it since it was listed."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


INSTANTS: dict[str, Callable[[Lab], bool]] = {
    "while TIFFs are written": lambda lab: some(lab.folder.root / "tif", "*.tif"),
    "while pairs are registered": lambda lab: some(lab.folder.inside / "pairs", "*.json"),
}


def some(folder: Path, pattern: str) -> bool:
    return folder.is_dir() and any(folder.glob(pattern))


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what the test waits for did not come"
        time.sleep(0.01)


def parts(lab: Lab) -> list[Path]:
    return list(lab.folder.root.rglob(".part-*"))


@pytest.fixture
def started(new_lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """A run that is on its way, whose slides are being read."""
    process = new_lab.start(*LUIGI)
    yield process
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


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES_TO_KILL_IN)
def test_after_kill_9_of_everything_in_a_stage_the_next_run_ends_with_the_same_bytes(
    new_lab: Lab, finished: Lab, started: subprocess.Popen[str], stage: str
) -> None:
    wait_for(lambda: has_begun(new_lab, stage))
    os.killpg(started.pid, signal.SIGKILL)
    started.communicate()
    run = new_lab.luigi()
    assert run.returncode == 0, run.stderr
    assert new_lab.bytes() == finished.bytes()
    assert parts(new_lab) == []
    made = Counter((one.stage, one.channel, one.item) for one in new_lab.ran() if not one.error)
    assert max(made.values()) == 1  # what was done before the kill was not done again


@pytest.mark.slow
def test_workers_die_with_their_parent_and_leave_the_lock_free(new_lab: Lab, started: subprocess.Popen[str]) -> None:
    wait_for(lambda: INSTANTS["while pairs are registered"](new_lab) and bool(children_of(started)))
    workers = children_of(started)
    started.kill()
    wait_for(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in workers), 10)
    assert new_lab.luigi().returncode == 0


@pytest.mark.slow
def test_a_worker_that_is_killed_once_costs_nothing(
    new_lab: Lab, finished: Lab, started: subprocess.Popen[str]
) -> None:
    """Which of its sections was to blame is not known: each is tried once more, alone."""
    wait_for(lambda: INSTANTS["while pairs are registered"](new_lab) and bool(children_of(started)))
    children_of(started)[0].kill()
    _, error = started.communicate(timeout=200)
    assert started.returncode in (0, 30), error  # Luigi counts the death among what failed
    run = new_lab.luigi()
    assert run.returncode == 0
    assert "nothing to do" in run.stderr, error
    assert new_lab.bytes() == finished.bytes()


@pytest.mark.slow
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_end_a_run_at_once_and_leave_nothing_half_written(
    new_lab: Lab, started: subprocess.Popen[str], ending: signal.Signals
) -> None:
    wait_for(lambda: INSTANTS["while TIFFs are written"](new_lab) and bool(children_of(started)))
    workers = children_of(started)
    if ending == signal.SIGINT:
        os.killpg(started.pid, ending)  # as a terminal does
    else:
        started.send_signal(ending)
    _, error = started.communicate(timeout=20)
    assert started.returncode == 130
    assert "Traceback" not in error
    assert "run the same command again" in error
    assert not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in workers)
    assert parts(new_lab) == []


def test_a_second_run_of_an_animal_is_refused_while_the_first_lives(
    new_lab: Lab, started: subprocess.Popen[str]
) -> None:
    wait_for(lambda: INSTANTS["while TIFFs are written"](new_lab))
    second = new_lab.luigi()
    assert second.returncode == 1
    assert f"being run by process {started.pid}" in second.stderr
    assert f"being run now, by process {started.pid}" in new_lab.brainstack("status", "DEMO").stdout
