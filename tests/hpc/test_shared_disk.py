"""Disks that do not show what they should, or have no room: each is a clear sentence."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_slurm import FakeSlurm
from fleets import Place, run, spec, until

import hpc.outbox
from hpc.cluster import ClusterError

as_root = pytest.mark.skipif(os.getuid() != 0, reason="disks are mounted by root only")
IMPATIENT = "import hpc.run as run, sys; run.MANIFEST_WAIT_S = 0.2; sys.exit(run.main(sys.argv[1:]))"
"""Code of an element that does not wait for a slow disk."""


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hpc.outbox, "RETRY_WAIT_S", 0.2)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    place = Place(tmp_path / "place")
    place.command = f"{shlex.quote(sys.executable)} -c {shlex.quote(IMPATIENT)}"
    return place


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=110M", "none", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_manifest_that_is_removed_while_its_jobs_wait(fake_slurm: FakeSlurm, place: Place) -> None:
    """The job says so in its log, and its task is tried again, with a new one."""
    fake_slurm.faults(pending={"*": "Priority"})
    fleet = place.fleet()
    fleet.submit([spec("a")])
    until(lambda: not fleet.poll() and "waiting" in fleet.summary("Sum"), "it does not wait")
    first = fleet.arrays[0].folder
    first.manifest.unlink()
    fake_slurm.faults()

    assert run(fleet, ["a"]) == {"a": ""}
    said = f"{first.manifest} is not there; wanted the list of what to run: it was removed, or"
    assert said in first.log(0).read_text()
    assert [one for one in place.folders() if one.path == first.path] == []


def test_an_array_s_folder_that_is_removed_while_its_jobs_wait(fake_slurm: FakeSlurm, place: Place) -> None:
    fake_slurm.faults(pending={"*": "Priority"})
    fleet = place.fleet()
    fleet.submit([spec("a")])
    until(lambda: not fleet.poll() and "waiting" in fleet.summary("Sum"), "it does not wait")
    shutil.rmtree(fleet.arrays[0].folder.path)
    fake_slurm.faults()

    assert run(fleet, ["a"]) == {"a": ""}
    assert place.count("begun") == {"a": 1}


@as_root
def test_nodes_that_do_not_see_the_data_root(fake_slurm: FakeSlurm, place: Place) -> None:
    """Each job has an empty disk where the animal's folder should be."""
    hide = f'mount -t tmpfs none {place.path} && cd / && exec "$0" "$@"'
    place.command = f"unshare -m sh -c {shlex.quote(hide)} {place.command}"
    said = run(place.fleet(), ["a"])["a"]

    assert "was called ended by the queue and never began on sn" in said
    assert "3 times; does that node see the animal's folder and brainstack's? data_root and the environment" in said
    logs = [one.log(0).read_text() for one in place.folders()]
    assert all("data_root has to be shared by all nodes" in one for one in logs)


@as_root
def test_a_disk_that_is_full_before_anything_is_submitted(fake_slurm: FakeSlurm, small_disk: Path) -> None:
    (small_disk / "filling").write_bytes(bytes(20 * 1024**2))
    fleet = Place(small_disk / "place").fleet()
    fleet.submit([spec("a")])
    sentence = r"is on a disk with \d+ MB left, wanted 100 MB for the logs of jobs; make room, and run the same command"

    with pytest.raises(ClusterError, match=sentence):
        fleet.poll()
    assert not fake_slurm.calls("sbatch")


@as_root
def test_a_disk_that_is_full_when_a_job_ends(fake_slurm: FakeSlurm, small_disk: Path) -> None:
    """The job cannot leave word; who drives it stops with a sentence, and goes on where there is room again."""
    place = Place(small_disk / "place")
    fleet = place.fleet()
    fleet.submit([spec("waits")])
    until(lambda: not fleet.poll() and place.count("begun")["waits"] == 1, "it does not begin")
    (place.path / "go").touch()
    filling = small_disk / "filling"
    filled = subprocess.run(["dd", "if=/dev/zero", f"of={filling}", "bs=4k"], capture_output=True, text=True)
    assert "No space left" in filled.stderr
    with pytest.raises(OSError, match="No space left on device: ") as caught:
        until(lambda: bool(fleet.poll()), "the full disk is not noticed")
    assert str(caught.value.filename).startswith(str(place.arrays.parent))
    filling.unlink()
    second = place.fleet()
    second.adopt()
    assert run(second, ["waits"]) == {"waits": ""}
