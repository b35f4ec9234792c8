"""Heavy tasks live: through sciluigi's SlurmTask, with nothing of what that leaves behind."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
import slurm_cluster

from hpc.backend import Job, Refused, Submission, Unreachable
from hpc.cluster import ClusterError, Request
from hpc.salloc import Salloc

SALLOC = """\
#!/bin/sh
echo "$@" >{folder}/words
echo "salloc: Granted job allocation 43" >&2
while [ "$1" != srun ]; do shift; done
while case $1 in --export*) false;; esac; do shift; done
shift
SLURM_ARRAY_TASK_ID=0 "$@"
status=$?
echo "{said}" >&2
exit $status
"""
"""A salloc that is none: it runs, here, what would be run on a node."""


def submission(path: Path, command: str, request: Request | None = None) -> Submission:
    logs = path / "a folder, 100%" / "logs"
    logs.mkdir(parents=True)
    return Submission("brainstack.A.array", 1, command, request or Request(), logs, 1, "cd /")


def commands(path: Path, monkeypatch: pytest.MonkeyPatch, salloc: str) -> None:
    folder = path / "bin"
    folder.mkdir()
    for name, script in (("salloc", salloc), ("srun", "#!/bin/sh\n")):
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_an_element_is_run_and_its_output_is_on_the_terminal_and_in_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    commands(tmp_path, monkeypatch, SALLOC.format(folder=tmp_path, said="salloc: Relinquishing job allocation 43"))
    salloc = Salloc()
    one = submission(tmp_path, "echo made", Request(cores=4, memory_gb=2, partition="long"))

    assert salloc.submit(one) == "43"
    said = (one.logs / "0.log").read_text()
    assert said.splitlines()[1] == "made 0"
    assert capfd.readouterr().err == said
    assert salloc.jobs([one.name]) == [Job("43", 0, one.name, "COMPLETED")]
    assert salloc.jobs(["another"]) == []
    words = (tmp_path / "words").read_text()
    assert words.startswith(
        "--job-name=brainstack.A.array --nodes=1 --ntasks=1 --cpus-per-task=4 --mem=2048M --time=30 --partition=long "
        "srun --ntasks=1 --cpus-per-task=4 --export=ALL,SLURM_ARRAY_TASK_ID=0 bash "
    )


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("srun: error: sn1: task 0: Exited with exit code 1", "FAILED"),
        ("srun: error: sn1: task 0: Out Of Memory", "OUT_OF_MEMORY"),
        ("slurmstepd: error: *** STEP 43.0 ON sn1 CANCELLED AT 2026-11-27T15:00:00 DUE TO TIME LIMIT ***", "TIMEOUT"),
        ("srun: error: *** STEP 43.0 CANCELLED AT 2026-11-27T15:00:00 DUE TO NODE FAILURE ***", "NODE_FAIL"),
    ],
)
def test_why_an_element_failed_is_read_from_what_srun_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, state: str
) -> None:
    commands(tmp_path, monkeypatch, SALLOC.format(folder=tmp_path, said=said))
    salloc = Salloc()
    salloc.submit(submission(tmp_path, "sh -c 'exit 1'"))

    assert [job.state for job in salloc.jobs(["brainstack.A.array"])] == [state]


@pytest.mark.parametrize(
    ("said", "kind"),
    [("salloc: error: Invalid account", Refused), ("salloc: error: Unable to contact slurm controller", Unreachable)],
)
def test_what_is_not_granted_is_refused_or_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, kind: type[Exception]
) -> None:
    commands(tmp_path, monkeypatch, f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")

    with pytest.raises(kind, match=said):
        Salloc().submit(submission(tmp_path, "true"))


def test_without_sciluigi_a_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hpc.salloc

    monkeypatch.setitem(sys.modules, "sciluigi", None)
    hpc.salloc._live_task.cache_clear()
    with pytest.raises(ClusterError, match=r"sciluigi is not installed; wanted it for .* `pip install 'brainstack"):
        hpc.salloc._live_task()


def test_sciluigi_leaves_no_folder_and_no_handler_behind(tmp_path: Path) -> None:
    code = (
        "import logging\n"
        "logging.getLogger('luigi-interface').setLevel(logging.INFO)\n"
        "from hpc.salloc import _live_task\n"
        "_live_task()\n"
        "one = logging.getLogger('luigi-interface')\n"
        "print(one.level, one.handlers, logging.getLogger('sciluigi-interface').handlers)\n"
    )
    environment = {"PYTHONPATH": str(Path(__file__).parents[2])}
    words = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)

    assert (done.stdout, done.stderr) == (f"{logging.INFO} [] []\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slurm
def test_on_a_real_slurm(slurm: slurm_cluster.SlurmCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if slurm_cluster._own_address() is None:
        pytest.skip("salloc needs this machine's name to be a name of 127.x")
    monkeypatch.setenv("BRAINSTACK_DATABASE_URL", "a secret")
    salloc = Salloc()
    salloc.check([("Sum", Request(memory_gb=0.1))])
    one = submission(tmp_path, "sh -c 'env; exit 3' x", Request(memory_gb=0.1, minutes=1))

    number = salloc.submit(one)
    said = (one.logs / "0.log").read_text()
    assert f"SLURM_JOB_ID={number}\n" in said
    assert "a secret" not in said
    assert salloc.jobs([one.name]) == [Job(number, 0, one.name, "FAILED")]
    with pytest.raises(Refused, match="invalid partition"):
        salloc.submit(submission(tmp_path / "other", "true", Request(partition="nope")))
