"""Runs that are killed, stopped, or started twice: run again, the bytes are those of an undisturbed run."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from killing import children_of, killed_in, running, wait_for
from lab import Lab, copy_of

from brainstack.last_run import read_last_run
from brainstack.stages import ASKED_FOR, STAGES, colour_channel

WHERE_SET = {
    "PairFiner": "[elastix]\nfiner_factor = 1\n",
    "Deformation": "[deformation]\ngrid_um = 1000.0\n",
    "Midline": '[shape]\nheld_by = "midline and outline"\n',
    "Outline": "",
    "ReferencePlace": '[shape]\nheld_by = "reference"\nreference = "{reference}"\nreference_spacing_um = 50.0\n',
}
"""Stages that a run makes only where a setting says so, and that setting."""
STAGES_TO_KILL_IN = [
    name
    for name, stage in STAGES.items()
    if name not in {*ASKED_FOR, *WHERE_SET, "NeuroglancerMesh"} and stage.per is not colour_channel
]
"""All that a run of this animal makes by itself: it is in grey, and has no layer of labels."""
RUNS = 4
"""A run for each stage would take ten minutes; the fewer, the less is made in peace between a kill and the next."""


INSTANTS: dict[str, Callable[[Lab], bool]] = {
    "while TIFFs are written": lambda lab: some(lab.folder.root / "tif", "*.tif"),
    "while pairs are registered": lambda lab: some(lab.folder.inside / "pairs", "*.json"),
}


def some(folder: Path, pattern: str) -> bool:
    return folder.is_dir() and any(folder.glob(pattern))


def parts(lab: Lab) -> list[Path]:
    return list(lab.folder.root.rglob(".part-*"))


def outcome_of(process: subprocess.Popen[str], lab: Lab) -> str | None:
    """How this run ended, "" while it goes on, None before it has begun."""
    last = read_last_run(lab.folder)
    return last.outcome if last is not None and f"process {process.pid} on" in last.process else None


@pytest.fixture
def started(new_lab: Lab) -> Iterator[subprocess.Popen[str]]:
    """A run whose slides are being read."""
    with running(new_lab) as process:
        yield process


def test_every_stage_that_a_run_makes_is_one_to_kill_in(finished: Lab) -> None:
    assert {one.stage for one in finished.ran()} == set(STAGES_TO_KILL_IN)


@pytest.mark.slow
@pytest.mark.parametrize("stages", [STAGES_TO_KILL_IN[place::RUNS] for place in range(RUNS)], ids=",".join)
def test_after_kill_9_of_everything_in_one_stage_after_another_the_next_run_ends_with_the_same_bytes(
    new_lab: Lab, finished: Lab, stages: list[str]
) -> None:
    """Each time the run goes on where the one before was killed, up to the next stage to kill in."""
    left = set(stages)
    while left:
        left -= killed_in(new_lab, left)
    run = new_lab.luigi()
    assert run.returncode == 0, run.stderr
    assert new_lab.bytes() == finished.bytes()
    assert parts(new_lab) == []
    ran = new_lab.ran()
    assert [one for one in ran if one.error] == []  # what a kill leaves was no hindrance to any of the runs
    assert max(Counter((one.stage, one.channel, one.item) for one in ran).values()) == 1  # and nothing was done twice


@pytest.mark.slow
@pytest.mark.parametrize(
    "stages", [["PairFiner", "Deformation", "Midline", "Outline"], ["ReferencePlace"]], ids=",".join
)
def test_stages_that_only_a_setting_asks_for_are_made_the_same_after_a_kill(
    finished: Lab, tmp_path: Path, stages: list[str]
) -> None:
    """The reference is the stack itself, as it lay without."""
    reference = tmp_path / "reference"
    shutil.copytree(finished.folder.root / "preps/CH1/thumbnail_aligned", reference)
    undisturbed, killed = (copy_of(finished, tmp_path / name) for name in ("undisturbed", "killed"))
    for lab in (undisturbed, killed):
        with lab.folder.settings.open("a") as file:
            file.writelines("\n" + WHERE_SET[stage].format(reference=reference) for stage in stages)
    run = undisturbed.luigi()
    assert run.returncode == 0, run.stderr
    assert {one.stage for one in undisturbed.ran()} == {*STAGES_TO_KILL_IN, *stages}
    left = set(stages)
    while left:
        left -= killed_in(killed, left)
    run = killed.luigi()
    assert run.returncode == 0, run.stderr
    assert killed.bytes() == undisturbed.bytes()
    assert parts(killed) == []


@pytest.mark.slow
def test_workers_die_with_their_parent_and_leave_the_lock_free(
    new_lab: Lab, finished: Lab, started: subprocess.Popen[str]
) -> None:
    wait_for(lambda: INSTANTS["while pairs are registered"](new_lab) and bool(children_of(started)))
    workers = children_of(started)
    started.kill()
    wait_for(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in workers), 10)
    assert new_lab.luigi().returncode == 0
    assert new_lab.bytes() == finished.bytes()


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
    assert new_lab.folder.report.exists()


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("later_s", [0.0, 0.2, 0.4])
def test_a_run_that_is_stopped_while_it_is_planned_says_so(lab: Lab, ending: signal.Signals, later_s: float) -> None:
    """At once, and a little after it has taken its animal: it reads the database and makes a plan by then."""
    shutil.rmtree(lab.folder.inside / "pairs")  # which takes longer than that to make again
    process = lab.start("luigi", "--module", "tasks", "Animal", "--animal", "DEMO", "--local-scheduler")
    wait_for(lambda: outcome_of(process, lab) is not None)
    time.sleep(later_s)
    process.send_signal(ending)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, error
    assert "Stopped" in out + error
    assert "Traceback" not in out + error
    assert outcome_of(process, lab) == "stopped"


def test_ctrl_c_while_the_report_is_made_leaves_the_run_as_it_ended(lab: Lab) -> None:
    before = lab.folder.report.stat().st_mtime_ns
    process = lab.start("luigi", "--module", "tasks", "Animal", "--animal", "DEMO", "--local-scheduler")
    wait_for(lambda: outcome_of(process, lab) == "done")
    time.sleep(0.1)  # its table is shown in between
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert "Traceback" not in out + error
    is_made = lab.folder.report.stat().st_mtime_ns != before
    assert is_made or "brainstack report DEMO makes it" in out + error or process.returncode == 130
    assert outcome_of(process, lab) == "done"
    assert parts(lab) == []


def test_a_second_run_of_an_animal_is_refused_while_the_first_lives(
    new_lab: Lab, started: subprocess.Popen[str]
) -> None:
    wait_for(lambda: INSTANTS["while TIFFs are written"](new_lab))
    second = new_lab.luigi()
    assert second.returncode == 1
    assert f"being run by process {started.pid}" in second.stderr
    assert f"being run now, by process {started.pid}" in new_lab.brainstack("status", "DEMO").stdout
