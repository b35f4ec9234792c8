"""python -m hpc, on folders as runs leave them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from queue_in_memory import QueueInMemory, begin_element, run_element

import hpc.__main__
from brainstack.animal_folder import AnimalFolder
from hpc.arrays import ArrayFolder, Manifest, TaskSpec, revoke, write_jobs, write_manifest, write_whole
from hpc.backend import Unreachable
from hpc.cluster import Request
from hpc.history import History, Used
from tasks import cluster_commands

Told = Callable[..., tuple[int, str, str]]


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> QueueInMemory:
    queue = QueueInMemory()
    monkeypatch.setattr(cluster_commands, "backend_of", lambda animal: queue)
    return queue


@pytest.fixture
def told(queue: QueueInMemory, capsys: pytest.CaptureFixture[str]) -> Told:
    """Exit status of `python -m hpc` with these words, what it said and its errors."""

    def call(*words: str) -> tuple[int, str, str]:
        status = hpc.__main__.main(list(words))
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def array(data_root: Path, *items: str, name: str = "20261127-154428-1-a", animal: str = "DK39") -> ArrayFolder:
    """An array of one task an element."""
    folder = ArrayFolder(AnimalFolder(data_root / animal).jobs / "arrays" / f"{name}-Tifs")
    elements = tuple((task(item, animal),) for item in items)
    made_at = "2026-11-27T15:44:28+00:00"
    write_manifest(folder, Manifest(folder.name, "Tifs", "tasks.cluster", {}, Request(), Request(), elements, made_at))
    return folder


def task(item: str, animal: str = "DK39") -> TaskSpec:
    return TaskSpec("Tifs", {"animal": animal, "word": item})


def submitted(folder: ArrayFolder, queue: QueueInMemory, number: str = "19") -> None:
    write_jobs(folder, [number])
    queue.take(number, f"brainstack.DK39.{folder.name}", 4)


STATUS = """\
DK39: nobody drives it now
  array                  job  jobs  made  failed  running                    waiting
  2026-11-27 15:44 Tifs   12     1     1       0        0                          0
  2026-11-27 15:45 Tifs   19     4     0       2        1  1 (QOSMaxCpuPerUserLimit)
  Tifs DK39 a: no. See {0}
  Tifs, job 1: node failure. See {1}
"""


def test_status_says_what_waits_runs_and_ended_and_why(data_root: Path, queue: QueueInMemory, told: Told) -> None:
    old = array(data_root, "z")
    run_element(old, 0)
    write_jobs(old, ["12"])
    write_whole(old.closed, {})
    new = array(data_root, *"abcd", name="20261127-154528-1-a")
    submitted(new, queue)
    run_element(new, 0, {"a": "no."})
    revoke(new, 1, "node failure")
    queue.set(19, 0, "COMPLETED")
    queue.set(19, 1, "NODE_FAIL")
    queue.set(19, 2, "RUNNING")
    queue.set(19, 3, "PENDING", "QOSMaxCpuPerUserLimit")

    assert told("status", "--animal", "DK39") == (0, STATUS.format(new.log(0), new.log(1)), "")


def test_status_says_what_is_known_where_the_queue_does_not_answer(
    data_root: Path, queue: QueueInMemory, told: Told
) -> None:
    array(data_root, "a")
    queue.silent = Unreachable("timed out")

    status, said, _ = told("status")
    assert status == 0
    assert said.startswith("The queue does not answer (timed out); of what waits and runs nothing is known.\nDK39: ")


def test_an_animal_without_jobs_is_named_with_those_that_have_some(data_root: Path, told: Told) -> None:
    assert told("status") == (1, "", "hpc: There are no jobs of any animal.\n")
    array(data_root, "a")
    assert told("report", "--animal", "DK40") == (1, "", "hpc: There are no jobs of DK40; there are some of DK39.\n")


def test_logs_are_those_of_the_newest_array_that_has_the_task(data_root: Path, told: Told) -> None:
    old, new = array(data_root, "a", "b"), array(data_root, "a", name="20261127-154528-1-a")
    for number, folder in enumerate((old, new)):
        folder.log(0).write_text(f"said {number}\n")
    old.log(1).write_text("".join(f"{number}\n" for number in range(1000)))

    assert told("logs", "Tifs", "a")[1] == f"{new.log(0)}\nsaid 1\n"
    assert told("logs", "--animal", "DK39", "b")[1].splitlines()[:2] == [str(old.log(1)), "800"]
    assert told("logs", "c") == (1, "", "hpc: No job has a task of the name 'c'; see `python -m hpc status`.\n")
    new.log(0).unlink()
    assert told("logs", "a")[1].splitlines()[1].startswith("(there is none: it has not begun")


def test_cancel_ends_what_is_left(data_root: Path, queue: QueueInMemory, told: Told) -> None:
    folder = array(data_root, *"abcd")
    submitted(folder, queue)
    run_element(folder, 0)
    begin_element(folder, 1)

    assert told("cancel", "--animal", "DK39")[1] == "DK39: 3 jobs cancelled; what is finished stays.\n"
    assert queue.cancelled == [("19", False)]
    assert folder.void.exists()
    assert told("cancel", "--animal", "DK39")[1] == "DK39: 0 jobs cancelled; what is finished stays.\n"
    assert told("cancel")[1] == "No jobs are left.\n"


DRIVER = """
import signal, sys
from brainstack.environment import animal_folder
from brainstack.locking import take_lock

lock = take_lock(animal_folder("DK39"))
print("driving", flush=True)
signal.pause()
"""


def test_cancel_stops_the_run_first(data_root: Path, queue: QueueInMemory, told: Told) -> None:
    submitted(array(data_root, "a"), queue)
    with subprocess.Popen([sys.executable, "-c", DRIVER], stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout
        driver.stdout.readline()
        assert f"DK39: driven by process {driver.pid} on {os.uname().nodename}\n" in told("status")[1]
        assert told("attach")[2].startswith(f"hpc: DK39 is being driven by process {driver.pid}")
        assert told("cancel")[0] == 0
        assert driver.wait(60) == -15


def test_a_run_on_another_machine_is_not_stopped_from_here(data_root: Path, told: Told, monkeypatch) -> None:
    array(data_root, "a")
    monkeypatch.setattr(cluster_commands, "driver_of", lambda animal: "process 5 on elsewhere")

    assert told("cancel") == (1, "", "hpc: DK39 is being run by process 5 on elsewhere; stop that run there first, by "
                              "Ctrl-C or `brainstack stop DK39`.\n")  # fmt: skip


def test_attach_goes_on_by_the_command_as_it_was_given(data_root: Path, tmp_path: Path, told: Told) -> None:
    folder = array(data_root, "a")
    command = {"words": ["/bin/sh", "-c", "pwd; echo $WHAT"], "folder": str(tmp_path), "environment": {"WHAT": "it"}}
    write_whole(AnimalFolder(data_root / "DK39").jobs / "command.json", command)

    words, checkout = [sys.executable, "-m", "hpc", "attach"], Path(__file__).parents[2]
    done = subprocess.run(words, cwd=checkout, capture_output=True, text=True)
    assert done.stdout == f"DK39: /bin/sh -c pwd; echo $WHAT\n{tmp_path}\nit\n"
    write_whole(folder.closed, {})
    assert told("attach") == (1, "", "hpc: No jobs are left to go on with.\n")


def test_report_advises_each_animal(data_root: Path, told: Told) -> None:
    folder = array(data_root, "a")
    assert told("report")[1] == "DK39:\n  no job has ended yet\n"
    History(folder.path.parents[1] / "history.jsonl").add(
        Used("a.0", "Tifs", "", 600.0, (600.0,), 600.0, 2.5, 1, 4.0, 120.0)
    )

    said = told("report", "--animal", "DK39")[1]
    assert "\n[stages.Tifs]\nmemory_gb = 3.5\nminutes = 30\n" in said


def test_commands_explain_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        hpc.__main__.main(["--help"])

    said = capsys.readouterr().out
    assert left.value.code == 0
    assert all(name in said for name in ("plan", "status", "logs", "attach", "cancel", "report"))
