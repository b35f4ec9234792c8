"""The Slurm that other tests use: it comes up, and what may happen to a cluster can be made to happen."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import mariadb_server
import pytest
import slurm_cluster
from slurm_cluster import SlurmCluster

pytestmark = pytest.mark.slurm

SLEEPS = "#!/bin/sh\nsleep 100\n"


def test_two_nodes_run_an_array(slurm: SlurmCluster, tmp_path: Path) -> None:
    script = "#!/bin/sh\necho $SLURM_ARRAY_TASK_ID\n"
    job = slurm.submit("--array=0-9", f"--output={tmp_path}/%a.log", script=script)

    assert slurm.wait(job) == {str(index): "COMPLETED" for index in range(10)}
    assert [(tmp_path / f"{index}.log").read_text() for index in range(10)] == [f"{index}\n" for index in range(10)]


def test_without_accounting_sacct_knows_nothing(slurm: SlurmCluster) -> None:
    said = slurm.run("sacct", "-n", "-P", "-X", "-j", "1", "-o", "JobID,State", check=False)

    assert (said.returncode, said.stderr) == (1, "Slurm accounting storage is disabled\n")


def test_a_node_that_fails_takes_its_jobs_with_it(slurm: SlurmCluster) -> None:
    job = slurm.submit("--array=0-1", "--no-requeue", "--exclusive", "--output=/dev/null", script=SLEEPS)
    slurm.wait(job, {"RUNNING"})
    failing = next(row[1] for row in slurm.rows() if row[5] == "sn1" and int(row[0]) == job)

    slurm.fail_node("sn1")

    assert slurm.states(job) == {failing: "NODE_FAIL", str(1 - int(failing)): "RUNNING"}
    slurm.clear()
    assert slurm.idle() == {"sn1", "sn2"}


def test_a_job_goes_on_while_nobody_answers(slurm: SlurmCluster, tmp_path: Path) -> None:
    beat, end = tmp_path / "beat", tmp_path / "end"
    script = f"#!/bin/sh\nuntil [ -e {end} ]; do echo >>{beat}; sleep 0.1; done\n"
    job = slurm.submit("--output=/dev/null", script=script)
    slurm.wait(job, {"RUNNING"})
    slurm.stop_controller()

    assert "Unable to contact slurm controller" in slurm.run("squeue", check=False).stderr
    beats = beat.stat().st_size if beat.exists() else 0
    slurm.wait_for(lambda: beat.exists() and beat.stat().st_size > beats, "the job does not go on")

    slurm.start_controller()
    end.touch()
    assert slurm.wait(job) == {"N/A": "COMPLETED"}


def test_a_node_that_is_drained_takes_no_more_jobs(slurm: SlurmCluster) -> None:
    slurm.drain("sn1")
    job = slurm.submit("--array=0-3", "--output=/dev/null", script="#!/bin/sh\n")

    slurm.wait(job)
    assert {row[5] for row in slurm.rows() if int(row[0]) == job} == {"sn2"}


def test_accounting_and_a_limit_of_submitted_jobs() -> None:
    if reason := slurm_cluster.why_not(accounting="slurmdbd") or mariadb_server.why_not():
        pytest.skip(reason)
    with (
        mariadb_server.shared() as mariadb,
        SlurmCluster(nodes=1, accounting="slurmdbd", mariadb=mariadb, max_submit_jobs=3) as slurm,
    ):
        job = slurm.submit("--array=0-2", "--output=/dev/null", script="#!/bin/sh\nexit $SLURM_ARRAY_TASK_ID\n")
        refused = slurm.run("sbatch", "--array=0-3", check=False, text="#!/bin/sh\n")
        slurm.wait(job)
        words = "sacct", "-n", "-P", "-X", "-j", job, "-o", "JobID,State,ExitCode,NodeList"
        expected = [f"{job}_0|COMPLETED|0:0|sn1", f"{job}_1|FAILED|1:0|sn1", f"{job}_2|FAILED|2:0|sn1"]

        assert "QOSMaxSubmitJobPerUserLimit" in refused.stderr
        slurm.wait_for(lambda: slurm.run(*words).stdout.splitlines() == expected, "sacct does not say so")


def test_memory_is_limited_with_cgroups() -> None:
    if reason := slurm_cluster.why_not(proctrack="cgroup"):
        pytest.skip(reason)
    eats = f'#!/bin/sh\n{sys.executable} -c "bytearray(200_000_000)"\n'
    with SlurmCluster(nodes=1, proctrack="cgroup") as slurm:
        job = slurm.submit("--mem=50M", "--output=/dev/null", script=eats)

        assert slurm.wait(job) == {"N/A": "OUT_OF_MEMORY"}


def test_nothing_is_left_when_the_process_that_began_it_is_killed(tmp_path: Path) -> None:
    script = f"#!/bin/sh\ntouch {tmp_path / 'runs'}\nsleep 100\n"
    code = (
        "from slurm_cluster import SlurmCluster\n"
        "with SlurmCluster(nodes=1) as slurm:\n"
        f"    slurm.submit('--output=/dev/null', script={script!r})\n"
        "    print(slurm.folder, flush=True)\n"
        "    input()\n"
    )
    words = [sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(Path(slurm_cluster.__file__).parent)}
    if reason := slurm_cluster.why_not():
        pytest.skip(reason)
    slurm = SlurmCluster()
    with subprocess.Popen(words, stdin=-1, stdout=-1, text=True, env=environment) as process:
        assert process.stdout
        slurm.folder = Path(process.stdout.readline().strip())
        # not its state: Slurm calls a job RUNNING before the node has a process for it
        slurm.wait_for((tmp_path / "runs").exists, "the job does not begin", seconds=60)
        found = {one.name() for one in slurm_cluster._processes_of(slurm.folder)}
        process.kill()

    assert found >= {"slurmctld", "slurmd", "slurmstepd", "munged"}
    slurm.wait_for(lambda: not slurm.folder.exists(), "its folder is left")
    assert not list(slurm_cluster._processes_of(slurm.folder))
