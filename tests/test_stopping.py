"""`brainstack stop`: a run is stopped from any terminal of its computer, also one that the review page started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from calling import Call, caller
from killing import wait_for
from lab import BIN, Lab, copy_of, entered

from brainstack import running
from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.last_run import read_last_run
from brainstack.locking import holder_of, locked
from brainstack.running import Wish, start_run

LUIGI = """
import logging, sys, time
from pathlib import Path
from brainstack.environment import animal_folder
from brainstack.last_run import STOPPED, begun_now, note_begun, note_ended
from brainstack.locking import locked

folder = animal_folder("DK39")
with locked(folder):
    log = folder.log("run")
    log.parent.mkdir(parents=True, exist_ok=True)
    run = note_begun(folder, begun_now(log))
    log.write_text("2026-11-27 20:22:02 DK39 | started\\n")
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        while not (folder.root / "may_end").exists():
            time.sleep(0.01)
        note_ended(folder, run, STOPPED, made=12, failed=0)
        with log.open("a") as more:
            more.write("2026-11-27 20:22:09 DK39 | ended, stopped: 12 made, 0 failed; to go on: luigi ...\\n")
"""
"""As a run is: it holds its animal, and takes its time to end, here until a file says that it may."""


@pytest.fixture
def call(data_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    return caller(monkeypatch, capsys)


@pytest.fixture
def folder(data_root: Path) -> AnimalFolder:
    folder = AnimalFolder(data_root / "DK39")
    folder.root.mkdir()
    return folder


@pytest.fixture
def run(folder: AnimalFolder, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run of DK39 that goes on, without a terminal as one that the review page started."""
    (tmp_path / "luigi").write_text(LUIGI)
    words = [sys.executable, str(tmp_path / "luigi"), "--module", "tasks", "Animal", "--animal", "DK39"]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(lambda: (last := read_last_run(folder)) is not None and Path(last.log).exists())
        yield process
    finally:
        process.kill()
        process.wait()


def may_end(folder: AnimalFolder) -> None:
    (folder.root / "may_end").touch()


def test_a_run_is_stopped_and_waited_for_and_says_how_it_ended(
    call: Call, folder: AnimalFolder, run: subprocess.Popen[bytes]
) -> None:
    may_end(folder)
    stopped = call("stop", "DK39")
    assert (stopped.returncode, stopped.stderr) == (0, "")
    assert stopped.stdout.splitlines() == [
        f"DK39: process {run.pid} on {os.uname().nodename} was told to stop. What is finished stays.",
        "DK39: ended, stopped: 12 made, 0 failed; to go on: luigi ...",
    ]
    assert holder_of(folder) == ""


def test_who_does_not_wait_has_only_told_it(call: Call, folder: AnimalFolder, run: subprocess.Popen[bytes]) -> None:
    told = call("stop", "DK39", "--no-wait")
    assert told.returncode == 0
    assert told.stdout.endswith("was told to stop. What is finished stays.\n")
    assert f"process {run.pid} on" in holder_of(folder)
    may_end(folder)
    wait_for(lambda: holder_of(folder) == "")


def test_ctrl_c_ends_the_waiting_and_the_run_ends_by_itself(folder: AnimalFolder, run: subprocess.Popen[bytes]) -> None:
    waiting = subprocess.Popen(
        [str(BIN / "brainstack"), "stop", "DK39"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert waiting.stdout
    assert "was told to stop" in waiting.stdout.readline()
    waiting.send_signal(signal.SIGINT)
    out, error = waiting.communicate(timeout=30)
    assert (waiting.returncode, out) == (130, "")
    assert error == "It goes on ending by itself; `brainstack status DK39` says what is left.\n"
    assert f"process {run.pid} on" in holder_of(folder)
    may_end(folder)
    wait_for(lambda: holder_of(folder) == "")
    last = read_last_run(folder)
    assert last
    assert (last.outcome, last.made) == ("stopped", 12)


def test_a_run_that_ends_without_a_word_has_its_log_named(
    call: Call, folder: AnimalFolder, run: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    kill = os.kill
    monkeypatch.setattr(running.os, "kill", lambda number, _: kill(number, signal.SIGKILL))
    assert f"it broke off without a word of how; its log is {folder.log('run')}" in call("stop", "DK39").stdout


def test_what_it_has_on_a_cluster_goes_on_and_that_is_said(
    call: Call, folder: AnimalFolder, run: subprocess.Popen[bytes]
) -> None:
    folder.jobs.mkdir()
    may_end(folder)
    assert "`python -m hpc cancel --animal DK39` ends them" in call("stop", "DK39").stdout


def test_where_there_is_nothing_to_stop_it_says_why(
    call: Call, folder: AnimalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert call("stop", "DK40").stderr.startswith(f"brainstack: There is no animal in {folder.root.parent / 'DK40'};")
    assert call("stop", "DK39").stderr == "brainstack: DK39 is not being run; there is nothing to stop.\n"
    with locked(folder):
        assert "is no run of it" in call("stop", "DK39").stderr
        folder.lock.write_text("process 1 on another-computer\n")
        refused = call("stop", "DK39")
        assert refused.returncode == 1
        assert "by process 1 on another-computer, and this is " in refused.stderr
        assert refused.stderr.endswith("; stop it there, with Ctrl-C or `brainstack stop DK39`.\n")
        folder.lock.write_text(f"process 1 on {os.uname().nodename}\n")
        monkeypatch.setattr(running, "_is_run_of", lambda number, prep_id: True)
        monkeypatch.setattr(running.os, "kill", refuse)
        refused = call("stop", "DK39")
        assert refused.returncode == 1
        assert "and only they can stop it, with `brainstack stop DK39`" in refused.stderr


def refuse(number: int, _: int) -> None:
    raise PermissionError


def test_who_would_run_an_animal_twice_is_told_how_to_stop_it(folder: AnimalFolder) -> None:
    with locked(folder), pytest.raises(BrainstackError, match="or stop it with `brainstack stop DK39`"):
        start_run(folder, Wish())


def test_a_run_that_was_started_as_the_page_does_is_stopped_by_the_command(scanned: Lab, tmp_path: Path) -> None:
    lab = copy_of(scanned, tmp_path)
    with entered(lab):
        started = start_run(lab.folder, Wish())
        try:
            wait_for(lambda: any((lab.folder.root / "tif").glob("*.tif")))
            stopped = lab.brainstack("stop", "DEMO")
        finally:
            wait_for(lambda: started.returned() is not None)
    assert stopped.returncode == 0, stopped.stderr
    told, ended = stopped.stdout.splitlines()
    assert told.endswith("was told to stop. What is finished stays.")
    assert ended.startswith("DEMO: ended, stopped: ")
    assert "; to go on: luigi --module tasks Animal --animal DEMO" in ended
    assert started.returned() == 130
    last = read_last_run(lab.folder)
    assert last
    assert last.outcome == "stopped"
