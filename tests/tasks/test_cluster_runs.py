"""Runs of the made-up animal on a real Slurm: the same bytes as without one, whatever is killed in between."""

from __future__ import annotations

import os
import signal
from collections import Counter
from pathlib import Path

import cv2
import pytest
import tifffile
from cluster_lab import cluster_lab
from killing import kill_luigid, running, wait_for
from lab import Lab, copy_of, luigid
from slurm_cluster import SlurmCluster

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

SLOW_S = 600
"""That a busy machine may take."""


def test_after_kills_of_luigi_of_luigid_and_of_a_node_the_bytes_are_those_of_a_run_here(
    slurm: SlurmCluster, scanned: Lab, finished: Lab, tmp_path: Path
) -> None:
    lab = cluster_lab(scanned, tmp_path, "Tifs", "MaskSearch", "Elastix")

    def until_at_work(stage: str) -> None:
        wait_for(lambda: process.poll() is not None or lab.is_at_work(stage), SLOW_S)
        assert process.poll() is None, process.communicate()

    with luigid(lab) as port:
        words = ("--scheduler-host", "127.0.0.1", "--scheduler-port", str(port))
        with running(lab, lab.command(*words)) as process:
            until_at_work("Tifs")
            os.killpg(process.pid, signal.SIGKILL)
        with running(lab, lab.command(*words)) as process:
            until_at_work("MaskSearch")
            kill_luigid(port)
            _, error = process.communicate(timeout=SLOW_S)
            assert process.returncode == 1
            assert "luigid does not answer any more" in error
    with luigid(lab, port), running(lab, lab.command(*words)) as process:
        until_at_work("Elastix")
        nodes = [row[5] for row in slurm.rows() if row[2] == "RUNNING"]
        if nodes:  # else all ended meanwhile
            slurm.fail_node(nodes[0])
        _, error = process.communicate(timeout=SLOW_S)
        assert process.returncode == 0, error

    assert lab.bytes() == finished.bytes()
    assert not list(lab.folder.root.rglob(".part-*"))
    ran = lab.ran()
    assert [one for one in ran if one.error] == []
    assert max(Counter((one.stage, one.channel, one.item) for one in ran).values()) == 1
    assert all(array.closed.exists() for array in lab.arrays())


def test_an_edit_while_nobody_drives_the_run_ends_what_is_not_wanted_any_more(
    slurm: SlurmCluster, finished: Lab, tmp_path: Path
) -> None:
    """Pairs wait on a cluster when the run is killed, and then a mask is painted."""
    lab, here = cluster_lab(finished, tmp_path / "cluster", "Elastix"), copy_of(finished, tmp_path / "here")
    (lab.folder.stamps / "Elastix.jsonl").unlink()
    for name in slurm.node_names:
        slurm.drain(name)
    with running(lab, lab.command()) as process:
        wait_for(lambda: process.poll() is not None or any(one.job.exists() for one in lab.arrays()), SLOW_S)
        assert process.poll() is None, process.communicate()
        os.killpg(process.pid, signal.SIGKILL)
    for one in (lab, here):
        paint(one, 0)
    undisturbed = here.luigi()
    assert undisturbed.returncode == 0, undisturbed.stderr
    for name in slurm.node_names:
        slurm.resume(name)
    run = lab.call(*lab.command())
    assert run.returncode == 0, run.stderr

    first, second = lab.arrays()
    unwanted = {index for index, steps in enumerate(lab.steps(first)) if any(KEY in one.item for one in steps)}
    assert unwanted
    assert first.revoked_elements() >= unwanted, "of others it may not be known yet whether they are wanted"
    assert first.revoked_elements() | first.ended_elements() == set(range(len(lab.steps(first))))
    assert second.revoked_elements() == set()
    assert lab.bytes() == here.bytes()
    assert max(Counter((one.stage, one.channel, one.item) for one in lab.ran()[len(finished.ran()) :]).values()) == 1


KEY = "slide001_S1"
"""Of the section that is number 0."""


def paint(lab: Lab, number: int) -> None:
    """As an editor leaves it: a new file in the link's place."""
    path = lab.folder.root / f"preps/masks/thumbnail_masked/{number:03d}.tif"
    mask = tifffile.imread(path).copy()
    rows, columns = mask.shape
    cv2.circle(mask, (columns // 2, rows // 2), 20, 0, -1)
    path.unlink()
    tifffile.imwrite(path, mask)
