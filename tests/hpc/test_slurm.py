"""What Slurm is told and how its answers are read, without a Slurm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from slurm_cluster import SlurmCluster

from hpc.backend import ALIVE, ENDS, Job, Refused, Submission, Unreachable
from hpc.cluster import ClusterError, Request
from hpc.slurm import STATES, Slurm, check_request, minutes_of, parse_books, parse_jobs, parse_partitions, script_of

SUBMISSION = Submission(
    name="brainstack.DK39.20261127-Tifs",
    elements=12,
    command="apptainer exec brain.sif /usr/bin/python3 -m hpc.run '/data/my brains/manifest.json'",
    request=Request(cores=4, memory_gb=2.5, minutes=30.2, gpus=1, partition="long", account="lab", qos="low",
                    options=("--constraint=avx2",), exclude=("n1", "n2")),
    logs=Path("/data/my brains/100%/logs"),
    running_elements=8,
    setup="cd /home/lab/brainstack || exit 96\nmodule load gcc",
)  # fmt: skip

SCRIPT = """\
#!/bin/bash
#SBATCH --job-name=brainstack.DK39.20261127-Tifs
#SBATCH --array=0-11%8
#SBATCH --no-requeue
#SBATCH --open-mode=append
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=2560M
#SBATCH --time=31
#SBATCH --partition=long
#SBATCH --account=lab
#SBATCH --qos=low
#SBATCH --gres=gpu:1
#SBATCH --exclude=n1,n2
#SBATCH --constraint=avx2
export HPC_JOB=${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}_$SLURM_ARRAY_TASK_ID
cd /home/lab/brainstack || exit 96
module load gcc
exec apptainer exec brain.sif /usr/bin/python3 -m hpc.run '/data/my brains/manifest.json' $SLURM_ARRAY_TASK_ID
"""


def test_the_script_says_all_that_was_asked_for() -> None:
    assert script_of(SUBMISSION) == SCRIPT


def test_what_was_not_asked_for_is_left_to_slurm() -> None:
    script = script_of(replace(SUBMISSION, elements=1, request=Request(), setup=""))

    assert "#SBATCH --array=0-0%1\n" in script
    assert not [word for word in ("partition", "account", "qos", "gres", "exclude=") if word in script]


def test_no_password_of_the_environment_goes_to_a_node(
    commands: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = ("BRAINSTACK_DATABASE_URL", "MYSQL_PWD", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "LAB_PASSWORD")
    for name in (*secrets, "LD_LIBRARY_PATH_OF_THE_TEST"):
        monkeypatch.setenv(name, "a value")
    command(commands, "sbatch", f"env >{tmp_path}/heard; echo $* >{tmp_path}/words; echo 1")
    Slurm().submit(submission(tmp_path))

    heard = {line.split("=")[0] for line in (tmp_path / "heard").read_text().splitlines()}
    assert heard & {*secrets, "LD_LIBRARY_PATH_OF_THE_TEST"} == {"LD_LIBRARY_PATH_OF_THE_TEST"}
    assert "--export=ALL" in (tmp_path / "words").read_text()


JOBS = """\
15|0|COMPLETED|None|n1|brainstack.A
15|1|RUNNING|None|n2|brainstack.A
15|2|PENDING|QOSMaxCpuPerUserLimit||brainstack.A
15|3|COMPLETING|None|n1|brainstack.A
15|4|FAILED|NonZeroExitCode|n1|brainstack.A
15|5|PENDING|Nodes required for job are DOWN, DRAINED or reserved||brainstack.A
16|N/A|RUNNING|None|n1|somebody
"""


def test_squeues_answer_is_read() -> None:
    assert list(parse_jobs(JOBS)) == [
        Job("15", 0, "brainstack.A", "COMPLETED", "", "n1"),
        Job("15", 1, "brainstack.A", "RUNNING", "", "n2"),
        Job("15", 2, "brainstack.A", "PENDING", "QOSMaxCpuPerUserLimit"),
        Job("15", 3, "brainstack.A", "RUNNING", "", "n1"),
        Job("15", 4, "brainstack.A", "FAILED", "NonZeroExitCode", "n1"),
        Job("15", 5, "brainstack.A", "PENDING", "Nodes required for job are DOWN, DRAINED or reserved"),
    ]
    assert list(parse_jobs("")) == []


def test_a_line_that_was_cut_short_says_nothing() -> None:
    for length in range(len("16|0|RUNNING|None|n1|")):
        assert list(parse_jobs("15|0|RUNNING|None|n1|a\n16|0|RUNNING|None|n1|b"[: 23 + length])) == [
            Job("15", 0, "a", "RUNNING", node="n1")
        ]


def test_a_job_may_have_any_name() -> None:
    assert list(parse_jobs("15|0|RUNNING|None|n1|a|b\n")) == [Job("15", 0, "a|b", "RUNNING", node="n1")]


def test_sacct_s_answer_is_read() -> None:
    said = "15_0|COMPLETED|0:0|n1\n15_1|CANCELLED by 1000|0:0|n2\n15_[2-9]|PENDING|0:0|\n15|FAILED|1:0|n1\n"

    assert list(parse_books(said)) == [
        Job("15", 0, "", "COMPLETED", node="n1"), Job("15", 1, "", "CANCELLED", node="n2")
    ]  # fmt: skip


def test_all_words_of_slurm_become_words_that_verdicts_know() -> None:
    assert set(STATES.values()) <= {*ALIVE, *ENDS}


@pytest.mark.parametrize(
    ("limit", "minutes"),
    [("7-00:00:00", 10080), ("10:00", 10), ("1:30:00", 90), ("2-12:00:30", 3600.5), ("infinite", 0), ("n/a", 0)],
)
def test_slurms_times_are_read(limit: str, minutes: float) -> None:
    assert minutes_of(limit) == minutes


PARTITIONS = """\
main*|6000|4|7-00:00:00|up|(null)
main*|64000+|16+|7-00:00:00|up|gpu:a100:2
short|6000|4|10:00|up|(null)
broken|6000|4|infinite|down|(null)
"""


def refusal(**request: object) -> str:
    """What is said of such a request; "" where it is none."""
    try:
        check_request("Tifs", Request(**request), list(parse_partitions(PARTITIONS)))  # type: ignore[arg-type]
    except ClusterError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"partition": "long"}, "Stage Tifs: Slurm has no partition 'long'; it has broken, main, short; set partition "
         "in config/cluster.toml."),
        ({"partition": "broken"}, "Stage Tifs: partition broken is down; take another one of broken, main, short, or "
         "wait."),
        ({"memory_gb": 63}, "Stage Tifs asks for 63 GB, and no node of main has more than 62.5; change [stages.Tifs] "
         "in config/cluster.toml, or take another partition of broken, main, short."),
        ({"cores": 17}, "Stage Tifs asks for 17 cores, and no node of main has more than 16; change [stages.Tifs] in "
         "config/cluster.toml, or take another partition of broken, main, short."),
        ({"partition": "short", "minutes": 11}, "Stage Tifs asks for 11 minutes, and short allows no more than 10; "
         "change [stages.Tifs] in config/cluster.toml, or take another partition of broken, main, short."),
        ({"partition": "short", "minutes": 1, "gpus": 1}, "Stage Tifs asks for 1 GPUs, and no node of short has more "
         "than 0; change [stages.Tifs] in config/cluster.toml, or take another partition of broken, main, short."),
    ],
)  # fmt: skip
def test_what_no_node_could_give_is_refused(request_: dict[str, object], said: str) -> None:
    assert refusal(**request_) == said


def test_what_the_largest_node_has_can_be_asked_for() -> None:
    assert refusal(memory_gb=62, cores=16, gpus=2, minutes=10080) == ""


def test_without_a_default_partition_one_has_to_be_named() -> None:
    with pytest.raises(ClusterError, match="Slurm has no default partition; it has short; set partition"):
        check_request("Tifs", Request(), list(parse_partitions("short|6000|4|10:00|up|(null)\n")))


# Commands that fail


def command(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def submission(tmp_path: Path) -> Submission:
    (tmp_path / "array" / "logs").mkdir(parents=True)
    return replace(SUBMISSION, logs=tmp_path / "array" / "logs")


def test_without_slurm_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ClusterError, match=r"There is no sbatch on this machine; wanted Slurm's commands: .*backend"):
        Slurm().check([])


def test_a_slurm_that_does_not_answer_says_so(commands: Path) -> None:
    for name in ("sbatch", "squeue", "scancel"):
        command(commands, name, "exit 1")
    command(
        commands,
        "sinfo",
        "echo 'slurm_load_partitions: Unable to contact slurm controller (connect failure)' >&2; exit 1",
    )

    with pytest.raises(ClusterError, match=r"Slurm does not answer \(slurm_load_partitions: Unable to contact"):
        Slurm().check([])


def test_an_account_that_there_is_not_is_refused_before_anything_is_submitted(commands: Path) -> None:
    for name in ("squeue", "scancel"):
        command(commands, name, "exit 1")
    command(commands, "sinfo", "echo 'main*|6000|4|7-00:00:00|up|(null)'")
    command(
        commands, "sbatch", "echo 'allocation failure: Invalid account or account/partition combination' >&2; exit 1"
    )

    Slurm().check([("Tifs", Request())])  # without one, Slurm is not asked
    with pytest.raises(ClusterError) as caught:
        Slurm().check([("Tifs", Request(account="lab"))])
    assert str(caught.value) == (
        "Stage Tifs asks for account 'lab', qos '', and Slurm says: allocation failure: Invalid account or "
        "account/partition combination; set them right in [stages.Tifs] of config/cluster.toml."
    )
    command(commands, "sbatch", "echo 'allocation failure: Requested nodes are busy' >&2; exit 1")
    Slurm().check([("Tifs", Request(account="lab"))])


@pytest.mark.parametrize(
    ("script", "kind", "for_now"),
    [
        ("echo 'sbatch: error: Batch job submission failed: Socket timed out on send/recv operation' >&2; exit 1",
         Unreachable, None),
        ("kill -9 $$", Unreachable, None),
        ("exit 0", Unreachable, None),  # said nothing
        ("echo 'sbatch: error: invalid partition specified: long' >&2; exit 1", Refused, False),
        ("echo 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2; exit 1", Refused, True),
        ("echo 'sbatch: error: AssocGrpSubmitJobsLimit' >&2; exit 1", Refused, True),
        ("echo 'sbatch: error: QOSGrpSubmitJobsLimit' >&2; exit 1", Refused, True),
        ("echo 'sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying' >&2; exit 1",
         Refused, True),
    ],
)  # fmt: skip
def test_what_sbatch_says_is_no_or_not_now_or_unknown(
    commands: Path, tmp_path: Path, script: str, kind: type[Exception], for_now: bool | None
) -> None:
    command(commands, "sbatch", script)

    with pytest.raises(kind) as caught:
        Slurm().submit(submission(tmp_path))
    assert getattr(caught.value, "for_now", None) is for_now


def test_the_number_of_an_array_is_read_without_the_cluster_s_name(commands: Path, tmp_path: Path) -> None:
    command(commands, "sbatch", "echo 'sbatch: a word of welcome'; echo '123;cluster'")

    assert Slurm().submit(submission(tmp_path)) == "123"
    assert (tmp_path / "array" / "job.sh").read_text().startswith("#!/bin/bash\n#SBATCH --job-name=")


def test_one_call_asks_for_all_arrays_and_gives_only_those_of_the_names(commands: Path) -> None:
    command(commands, "squeue", f"cat <<'END'\n{JOBS}END")

    assert {job.name for job in Slurm().jobs(["brainstack.A", "brainstack.B"])} == {"brainstack.A"}
    assert Slurm().jobs(["brainstack.B"]) == []


def test_without_books_nothing_is_known_of_what_was_forgotten(commands: Path) -> None:
    command(commands, "sacct", "echo 'Slurm accounting storage is disabled' >&2; exit 1")

    assert Slurm().ended(["1"]) == []


def test_limits_are_those_of_slurm_and_of_its_books(commands: Path) -> None:
    command(commands, "scontrol", "echo 'Configuration data as of 2026'; echo 'MaxArraySize            = 1001'")
    command(commands, "sacctmgr", "printf 'lab|normal|500\\nlab|low|\\n'")

    limits = Slurm().limits()
    assert (limits.array_size, limits.submitted) == (1001, 500)
    command(commands, "scontrol", "exit 1")
    command(commands, "sacctmgr", "exit 1")
    assert (Slurm().limits().array_size, Slurm().limits().submitted) == (0, 0)


@pytest.mark.slurm
def test_a_real_slurm_writes_logs_wherever_they_shall_be(slurm: SlurmCluster, tmp_path: Path) -> None:
    logs = tmp_path / "my brains, 100%a 'x'" / "logs"
    logs.mkdir(parents=True)
    one = Submission("brainstack.A.array", 2, "echo element", Request(memory_gb=0.1, minutes=1), logs, 2, "cd /")
    number = Slurm().submit(one)

    assert slurm.wait(int(number)) == {"0": "COMPLETED", "1": "COMPLETED"}
    assert {path.name: path.read_text() for path in logs.iterdir()} == {"0.log": "element 0\n", "1.log": "element 1\n"}
    assert {job.state for job in Slurm().jobs([one.name])} == {"COMPLETED"}
