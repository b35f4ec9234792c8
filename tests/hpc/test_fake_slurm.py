"""The commands of tests/fake_slurm answer as the real ones, and go wrong as they are told to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fake_slurm import FakeSlurm
from slurm_asking import USER, Slurm

EXITS_WITH_ITS_INDEX = "#!/bin/sh\nexit $SLURM_ARRAY_TASK_ID\n"
SLEEPS = "#!/bin/sh\nsleep 100\n"
QUICK = "#!/bin/sh\necho done\n"


def said_by(slurm: Slurm, *words: object) -> tuple[int, str, str]:
    done = slurm.run(*words, check=False, text=QUICK)
    return done.returncode, done.stdout, done.stderr


def test_squeue_tells_of_each_element_of_an_array(either: Slurm) -> None:
    job = either.submit("--array=0-3%2", "--job-name=exits", "--output=/dev/null", script=EXITS_WITH_ITS_INDEX)
    either.wait(job)
    rows = sorted(row[:5] for row in either.rows() if int(row[0]) == job)

    assert rows[0] == [str(job), "0", "COMPLETED", "None", "exits"]
    assert rows[1:] == [[str(job), str(index), "FAILED", "NonZeroExitCode", "exits"] for index in (1, 2, 3)]
    assert {row[5] for row in either.rows() if int(row[0]) == job} <= {"sn1", "sn2"}
    assert said_by(either, "squeue", "-h", "-r", "-t", "all", "--name=none", "-o", "%F") == (0, "", "")


def test_what_waits_and_what_runs(either: Slurm) -> None:
    job = either.submit("--array=1,4,7%1", "--job-name=sleeps", "--output=/dev/null", script=SLEEPS)
    either.wait_for(lambda: sorted(either.states(job).values()) == ["PENDING", "PENDING", "RUNNING"], "none starts")
    either.wait_for(lambda: {row[3] for row in either.rows()} >= {"None", "JobArrayTaskLimit"}, "no reason is told")
    together = either.run("squeue", "-h", "-u", USER, "-n", "sleeps", "-o", "%F|%K|%T|%i").stdout.splitlines()

    assert sorted(together) == [f"{job}|1|RUNNING|{job}_1", f"{job}|4,7%1|PENDING|{job}_[4,7%1]"]


def test_a_script_s_own_options_and_what_its_elements_know(either: Slurm, tmp_path: Path) -> None:
    script = tmp_path / "job.sh"
    script.write_text(
        "#!/bin/sh\n#SBATCH --job-name=named\n#SBATCH --array=2\n"
        f'#SBATCH --output="{tmp_path}/%x-%A-%a.log"\n#SBATCH --cpus-per-task=2 --mem=100M --time=5\n'
        "#SBATCH --comment='a b' --no-requeue --open-mode=append --export=ALL\n\n"
        "echo $SLURM_JOB_NAME $SLURM_ARRAY_JOB_ID $SLURM_ARRAY_TASK_ID $SLURM_CPUS_PER_TASK $KIND $GIVEN\n"
    )
    answer = said_by(either, "env", "KIND=of", "GIVEN=yes", "sbatch", "--parsable", script)
    job = int(answer[1])
    either.wait(job)

    assert answer == (0, f"{job}\n", "")
    assert (tmp_path / f"named-{job}-2.log").read_text() == f"named {job} 2 2 of yes\n"


def test_cancelled_by_number_by_element_and_by_name(either: Slurm) -> None:
    job = either.submit("--array=0-2", "--hold", "--job-name=held", "--output=/dev/null", script=SLEEPS)
    either.run("scancel", f"{job}_1")
    assert set(either.states(job)) == {"0", "2"}  # an element that waited is gone without a trace
    either.run("scancel", job)
    assert either.states(job) == {"0": "CANCELLED", "2": "CANCELLED"}

    job = either.submit("--array=0-2", "--hold", "--job-name=held", "--output=/dev/null", script=SLEEPS)
    either.run("scancel", "--name", "held")
    assert either.states(job) == {"N/A": "CANCELLED"}

    job = either.submit("--array=0-1", "--output=/dev/null", script=SLEEPS)
    either.wait(job, {"RUNNING"})
    either.run("scancel", job)
    assert either.wait(job) == {"0": "CANCELLED", "1": "CANCELLED"}
    assert said_by(either, "scancel", "99999") == (0, "", "")
    assert said_by(either, "scancel", "x") == (1, "", "scancel: error: Invalid job id x\n")


def test_what_is_refused(either: Slurm) -> None:
    failed = "sbatch: error: Batch job submission failed: "

    def refused(*words: str) -> str:
        status, out, error = said_by(either, "sbatch", "--parsable", *words)
        assert (status, out) == (1, "")
        return error

    assert refused("--partition=x").endswith(f"{failed}Invalid partition name specified\n")
    assert refused("--array=0-5000") == f"{failed}Invalid job array specification\n"
    assert refused("--cpus-per-task=64") == f"{failed}More processors requested than permitted\n"
    assert refused("--partition=short", "--time=60").startswith(f"{failed}Requested time limit is invalid")
    assert refused("--gres=gpu:1") == "sbatch: error: Invalid generic resource (gres) specification\n"
    assert refused("/none.sh") == "sbatch: error: Unable to open file /none.sh\n"


def test_what_no_node_has_the_memory_for_is_refused_and_stays_known_as_failed(either: Slurm) -> None:
    status, out, error = said_by(either, "sbatch", "--parsable", "--mem=900G", "--job-name=large", "--array=0-3")

    assert (status, out) == (1, "")
    assert error.endswith("Requested node configuration is not available\n")
    assert [row[2:] for row in either.rows() if row[4] == "large"] == [["FAILED", "BadConstraints", "large", ""]] * 4


def test_a_script_that_a_signal_ends_and_one_that_cannot_write(either: Slurm) -> None:
    killed = either.submit("--output=/dev/null", script="#!/bin/sh\nkill -9 $$\n")
    without = either.submit("--output=/none/log", script=QUICK)
    either.wait(killed)
    either.wait(without)

    reasons = {int(row[0]): row[2:4] for row in either.rows()}
    assert reasons[killed] == reasons[without] == ["FAILED", "JobLaunchFailure"]


def test_what_a_cluster_says_of_itself(either: Slurm) -> None:
    sinfo = ["main|8000|8|7-00:00:00|up|(null)", "short|8000|8|10:00|up|(null)"]
    assert either.run("sinfo", "-h", "-o", "%R|%m|%c|%l|%a|%G").stdout.splitlines() == sinfo
    assert either.run("sinfo", "-h", "-o", "%P").stdout.split() == ["main*", "short"]

    config = either.run("scontrol", "show", "config").stdout
    assert "\nMaxArraySize            = 1001\n" in config
    assert "\nMinJobAge               = 300 sec\n" in config
    partition = either.run("scontrol", "show", "partition", "main", "-o").stdout
    assert partition.startswith("PartitionName=main ")
    assert " MaxTime=7-00:00:00 " in partition
    assert said_by(either, "scontrol", "show", "partition", "x", "-o")[:2] == (1, "Partition x not found\n")
    assert said_by(either, "squeue", "-h", "-u", os.getuid()) == (0, "", "")
    assert said_by(either, "squeue", "-j", "99999")[2] == "slurm_load_jobs error: Invalid job id specified\n"


def elements_of(slurm: FakeSlurm, **faults: object) -> dict[str, str]:
    """How an array of two ends, whose element 1 is ill."""
    slurm.faults(**faults)
    job = slurm.submit("--array=0-1", "--no-requeue", "--output=/dev/null", script="#!/bin/sh\nsleep 0.5\n")
    return slurm.wait(job)


@pytest.mark.parametrize("state", ["TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED"])
def test_an_element_ends_as_told(fake_slurm: FakeSlurm, state: str) -> None:
    assert elements_of(fake_slurm, elements={"*:1": [state]}) == {"0": "COMPLETED", "1": state}


def test_out_of_memory_with_exit_zero(fake_slurm: FakeSlurm) -> None:
    fate = {"state": "OUT_OF_MEMORY", "exit": "0:0", "after_s": None}
    elements_of(fake_slurm, elements={"*:1": [fate]})

    said = fake_slurm.run("sacct", "-n", "-P", "-X", "-j", "1", "-o", "JobID,State,ExitCode").stdout
    assert said == "1_0|COMPLETED|0:0\n1_1|OUT_OF_MEMORY|0:0\n"


def test_one_that_never_starts_and_one_that_slurm_forgets(fake_slurm: FakeSlurm) -> None:
    assert elements_of(fake_slurm, elements={"*:1": "LAUNCH_FAILURE"}) == {"0": "COMPLETED", "1": "FAILED"}
    fake_slurm.faults(elements={"*:1": "VANISHED"})
    job = fake_slurm.submit("--array=0-1", "--output=/dev/null", script=QUICK)
    fake_slurm.wait_for(lambda: fake_slurm.states(job) == {"0": "COMPLETED"}, "it does not vanish")


def test_a_job_of_a_lost_node_goes_back_in_the_queue_where_it_may(fake_slurm: FakeSlurm, tmp_path: Path) -> None:
    fake_slurm.faults(elements={"*": ["NODE_FAIL"]}, requeue_s=0.1)
    job = fake_slurm.submit(f"--output={tmp_path}/log", script="#!/bin/sh\nsleep 0.4\necho $SLURM_RESTART_COUNT\n")

    assert fake_slurm.wait(job, {"COMPLETED"}) == {"N/A": "COMPLETED"}
    assert (tmp_path / "log").read_text() == "1\n"


def test_an_element_waits_as_long_as_it_is_told(fake_slurm: FakeSlurm) -> None:
    fake_slurm.faults(pending={"*:1": "QOSMaxCpuPerUserLimit"})
    job = fake_slurm.submit("--array=0-1", "--output=/dev/null", script=QUICK)
    fake_slurm.wait_for(lambda: fake_slurm.states(job) == {"0": "COMPLETED", "1": "PENDING"}, "0 does not end")
    assert {row[3] for row in fake_slurm.rows() if row[1] == "1"} == {"QOSMaxCpuPerUserLimit"}

    fake_slurm.faults()
    assert fake_slurm.wait(job) == {"0": "COMPLETED", "1": "COMPLETED"}


@pytest.mark.parametrize(
    ("fault", "status", "jobs"),
    [("timeout", 1, 0), ("limit", 1, 0), ("lost", 1, 1), ("silent", 0, 1), ("killed", -9, 1), ("killed_before", -9, 0)],
)
def test_an_answer_is_lost(fake_slurm: FakeSlurm, fault: str, status: int, jobs: int) -> None:
    fake_slurm.faults(sbatch=[fault])
    found, out, error = said_by(fake_slurm, "sbatch", "--parsable", "--output=/dev/null")

    assert (found, out) == (status, "")
    assert bool(error) is (status == 1)
    assert len(fake_slurm.rows()) == jobs
    assert said_by(fake_slurm, "sbatch", "--parsable", "--output=/dev/null")[0] == 0


def test_an_array_is_taken_twice(fake_slurm: FakeSlurm) -> None:
    fake_slurm.faults(sbatch=["twice"])
    job = fake_slurm.submit("--array=0-1", "--job-name=same", "--output=/dev/null", script=QUICK)

    assert sorted((row[0], row[4]) for row in fake_slurm.rows()) == [
        *[("1", "same")] * 2,
        *[(str(job), "same")] * 2,
    ]


@pytest.mark.parametrize(("fault", "jobs"), [("kill_parent_before", 0), ("kill_parent_after", 1)])
def test_who_submits_dies_while_it_does(fake_slurm: FakeSlurm, fault: str, jobs: int) -> None:
    fake_slurm.faults(sbatch=[fault])
    code = "import subprocess; subprocess.run(['sbatch', '--output=/dev/null'], input=b'#!/bin/sh\\n'); print('alive')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)

    assert (done.returncode, done.stdout) == (-9, b"")
    fake_slurm.wait_for(lambda: len(fake_slurm.rows()) == jobs, "it is not taken")


def test_squeue_lags_fails_and_hangs(fake_slurm: FakeSlurm) -> None:
    fake_slurm.faults(appears_after_s=3600)
    job = fake_slurm.submit("--output=/dev/null", script=QUICK)
    assert not fake_slurm.states(job)
    fake_slurm.faults(state_lag_s=1)
    assert fake_slurm.wait(job) == {"N/A": "COMPLETED"}

    fake_slurm.faults(squeue=["timeout", "unreachable", "empty", 0.2, "hang"], hang_s=0.3)
    errors = [fake_slurm.run("squeue", check=False).stderr for _ in range(2)]
    assert errors == [
        "slurm_load_jobs error: Socket timed out on send/recv operation\n",
        "slurm_load_jobs error: Unable to contact slurm controller (connect failure)\n",
    ]
    assert fake_slurm.run("squeue", "-t", "all").stdout == ""
    began = time.monotonic()
    assert fake_slurm.rows()
    assert fake_slurm.rows()
    assert time.monotonic() - began > 0.5


def test_what_ended_is_forgotten_at_once_and_there_is_no_accounting(fake_slurm: FakeSlurm) -> None:
    fake_slurm.faults(min_job_age_s=0, accounting="none")
    job = fake_slurm.submit("--output=/dev/null", script=QUICK)

    fake_slurm.wait_for(lambda: not fake_slurm.states(job), "it is not forgotten")
    assert said_by(fake_slurm, "sacct", "-j", job) == (1, "", "Slurm accounting storage is disabled\n")


def test_each_call_is_noted(fake_slurm: FakeSlurm) -> None:
    fake_slurm.run("squeue", "-h")
    fake_slurm.run("sinfo")

    assert [(call["command"], call["argv"]) for call in fake_slurm.calls()] == [("squeue", ["-h"]), ("sinfo", [])]
    assert abs(fake_slurm.calls("squeue")[0]["time"] - time.time()) < 60


def test_nothing_runs_on_when_it_is_left(tmp_path: Path) -> None:
    beat = tmp_path / "beat"
    with FakeSlurm(tmp_path / "slurm") as slurm:
        job = slurm.submit("--output=/dev/null", script=f"#!/bin/sh\nwhile :; do echo >>{beat}; sleep 0.05; done\n")
        slurm.wait_for(beat.exists, f"job {job} does not start")
    size = beat.stat().st_size
    time.sleep(0.3)
    assert beat.stat().st_size == size
