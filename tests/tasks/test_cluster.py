"""Whole runs on a cluster, of made-up stages (tests/stub_stages.py): what is told, goes on, and is refused."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fake_slurm import FakeSlurm
from killing import kill_luigid, running, wait_for
from lab import asked, luigid
from slurm_cluster import SlurmCluster
from stub_lab import ONE_EACH, SECTIONS, StubLab, stub_lab
from submitting import KillingSbatch

ONCE = dict.fromkeys(SECTIONS, 1)


@pytest.fixture
def stub(tmp_path: Path) -> StubLab:
    return stub_lab(tmp_path / "data")


def flat(run: subprocess.CompletedProcess[str]) -> str:
    return " ".join((run.stdout + run.stderr).split())


def is_made(stub: StubLab) -> bool:
    return {path.name for path in (stub.folder.root / "stubs").iterdir()} >= {f"Light-{key}" for key in SECTIONS}


@contextmanager
def begun(stub: StubLab, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A run whose heavy steps wait on a cluster."""
    for key in SECTIONS:
        stub.let(key, "waits")
    with running(stub, stub.command(*words)) as process:
        wait_for(lambda: process.poll() is not None or bool(stub.heavy("begun")), 400)
        assert process.poll() is None, process.communicate()
        yield process


@pytest.mark.slow
def test_kill_9_where_an_array_is_just_submitted(
    fake_slurm: FakeSlurm, stub: StubLab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sbatch = KillingSbatch(tmp_path / "bin", ["before", "after"], monkeypatch)

    assert [stub.make().returncode for _ in range(2)] == [-signal.SIGKILL] * 2
    run = stub.make()
    assert run.returncode == 0, run.stderr
    assert is_made(stub)
    assert stub.heavy("begun") == ONCE
    assert sbatch.calls == 1
    assert len(stub.arrays()) == 2


@pytest.mark.slow
def test_luigid_tells_of_each_section_and_why_jobs_wait(fake_slurm: FakeSlurm, stub: StubLab) -> None:
    fake_slurm.faults(pending={"*:2": "QOSMaxCpuPerUserLimit"})
    stub.write_settings(limits=ONE_EACH)
    stub.let(SECTIONS[0], "waits")
    stub.let(SECTIONS[1], "fails")
    with luigid(stub) as port:

        def said(status: str = "") -> dict[str, dict]:
            return asked(port, "task_list", {"status": status, "upstream_status": ""})

        def messages() -> set[str]:
            time.sleep(0.3)
            return {one.get("status_message") or "" for one in said().values()}

        words = ("--scheduler-host", "127.0.0.1", "--scheduler-port", str(port))
        with running(stub, stub.command(*words)) as process:
            expected = "1 running, 1 waiting (QOSMaxCpuPerUserLimit)"
            wait_for(lambda: process.poll() is not None or expected in messages(), 300)
            assert process.poll() is None, process.communicate()
            fake_slurm.faults()
            stub.go()
            _, error = process.communicate(timeout=300)
        assert process.returncode == 30
        rows = [one for one in said().values() if one["name"] == "Heavy" and "@" not in one["params"]["section"]]
        by_key = {one["params"]["section"]: one for one in rows if one["params"]["section"]}
        assert {key: one["status"] for key, one in by_key.items()} == dict(
            zip(SECTIONS, ("DONE", "FAILED", "DONE"), strict=True)
        )
        failed = next(one for one in by_key.values() if one["status"] == "FAILED")
        log = Path(failed["tracking_url"].removeprefix("file://"))
        task_id = next(name for name, one in said("FAILED").items() if one["params"] == failed["params"])
        why = asked(port, "fetch_error", {"task_id": task_id})["error"]
    assert "slide001_S2 is no good." in log.read_text()
    assert json.loads(why) == "slide001_S2 is no good."
    assert "slide001_S2 is no good." in error


@pytest.mark.slow
@pytest.mark.parametrize("back", ["at once", "for the next run"])
def test_luigid_that_is_killed_costs_nothing(fake_slurm: FakeSlurm, stub: StubLab, back: str) -> None:
    """It forgets everything. Where it is back at once, the run goes on; where not, the next run does."""
    with luigid(stub) as port:
        words = ("--scheduler-host", "127.0.0.1", "--scheduler-port", str(port))
        with begun(stub, *words) as process:
            if back == "at once":
                kill_luigid(port)
                with luigid(stub, port):
                    stub.go()
                    _, error = process.communicate(timeout=300)
                assert process.returncode == 0, error
            else:
                kill_luigid(port)
                _, error = process.communicate(timeout=300)
                assert process.returncode == 1
                assert "luigid does not answer any more" in error
                assert "Traceback" not in error
                stub.go()
                with luigid(stub, port):
                    run = stub.make(*words)
                assert run.returncode == 0, run.stderr
    assert is_made(stub)
    assert stub.heavy("begun") == ONCE
    assert len(stub.arrays()) == 1


@pytest.mark.slow
@pytest.mark.slurm
def test_sigterm_leaves_the_jobs_which_never_ask_the_database_and_attach_goes_on_with_them(
    slurm: SlurmCluster, stub: StubLab
) -> None:
    with begun(stub) as process:
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=200)
    assert process.returncode == 130
    assert "DEMO: 1 job left at work on the cluster; the same command goes on from there." in error

    local = stub.make(backend="local")
    assert local.returncode == 1
    assert "DEMO has jobs on a cluster that an earlier run submitted" in flat(local)

    database, hidden = stub.root / "brainstack.db", stub.root / "hidden"
    database.rename(hidden)
    stub.go()
    (array,) = stub.arrays()
    wait_for(lambda: array.ended_elements() == {0})
    assert not database.exists()
    hidden.rename(database)
    left = stub.folder.records / f"{array.writer(0)}.jsonl"
    assert left.read_text().count('"kind": "ran"') == 3
    assert not [one for one in stub.ran() if one.stage == "Heavy"]

    attached = stub.hpc("attach")
    assert attached.returncode == 0, attached.stderr
    assert is_made(stub)
    assert sorted(one.item for one in stub.ran() if one.stage == "Heavy") == list(SECTIONS)
    assert not left.exists()
    assert stub.heavy("begun") == ONCE


@pytest.mark.slow
@pytest.mark.slurm
def test_a_second_signal_cancels(slurm: SlurmCluster, stub: StubLab) -> None:
    with begun(stub) as process:
        process.send_signal(signal.SIGINT)
        assert process.stderr
        while "left at work on the cluster" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=200)
    assert "DEMO: 1 job cancelled." in error
    assert nothing_lives(slurm, stub)
    assert stub.heavy("ended") == {}
    stub.go()
    assert stub.make(backend="local").returncode == 0
    assert is_made(stub)


@pytest.mark.slow
@pytest.mark.slurm
def test_hpc_cancel_ends_a_run_and_its_jobs(slurm: SlurmCluster, stub: StubLab) -> None:
    with begun(stub) as process:
        said = stub.hpc("cancel", "--animal", "DEMO")
        process.communicate(timeout=200)
    assert said.returncode == 0, said.stderr
    assert "DEMO: 1 job cancelled; what is finished stays." in said.stdout
    assert process.returncode == 130
    assert nothing_lives(slurm, stub)
    assert [one for one in stub.ran() if one.stage == "Heavy"] == []


def nothing_lives(slurm: SlurmCluster, stub: StubLab) -> bool:
    (array,) = stub.arrays()
    assert array.closed.exists()
    slurm.wait_for(lambda: not slurm.run("squeue", "-h").stdout, "jobs go on")
    return True


# Bad input


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        ('partition = "none"\n', "Stage Heavy: Slurm has no partition 'none'; it has main, short; set partition in"),
        ("memory_gb = 64\n", "Stage Heavy asks for 64 GB, and no node of main has more than 7.8; change"),
        ("cores = 9\n", "Stage Heavy asks for 9 cores, and no node of main has more than 8; change"),
    ],
)
def test_what_no_node_can_give_is_refused_before_anything_is_made(
    fake_slurm: FakeSlurm, stub: StubLab, stage: str, said: str
) -> None:
    stub.write_settings(stage=stage)
    run = stub.make()

    assert run.returncode == 1
    assert said in flat(run)
    assert "Traceback" not in run.stderr
    assert not fake_slurm.calls("sbatch")
    assert not (stub.folder.root / "stubs").exists()


def test_an_account_that_there_is_not_is_refused_before_anything_is_made(fake_slurm: FakeSlurm, stub: StubLab) -> None:
    fake_slurm.faults(accounts=["lab"])
    stub.write_settings(stage='account = "none"\n')
    run = stub.make()

    assert run.returncode == 1
    assert "Stage Heavy asks for account 'none', qos '', and Slurm says: " in flat(run)
    assert "Invalid account" in flat(run)
    assert not stub.arrays()


def test_without_slurm(stub: StubLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    run = stub.make()

    assert run.returncode == 1
    assert "There is no sbatch on this machine; wanted Slurm's commands" in flat(run)
    assert "Traceback" not in run.stderr


def test_a_slurm_that_nobody_has_set_up(stub: StubLab, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("sinfo") is None:
        pytest.skip("sinfo not found; on Debian: sudo apt-get install slurm-wlm")
    monkeypatch.setenv("SLURM_CONF", "/nowhere/slurm.conf")
    run = stub.make()

    assert run.returncode == 1
    assert "Slurm does not answer (" in flat(run)
    assert "Traceback" not in run.stderr


@pytest.mark.slurm
def test_a_slurm_that_does_not_answer(slurm: SlurmCluster, stub: StubLab) -> None:
    slurm.stop_controller()
    run = stub.make()

    assert run.returncode == 1
    assert "Slurm does not answer (" in flat(run)
    assert "ask its administrators, or try again later." in flat(run)
    assert "Traceback" not in run.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="a small disk is made by root only")
def test_a_full_disk_for_logs(fake_slurm: FakeSlurm, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20M", "none", str(small)], check=True)
    try:
        run = stub_lab(small / "data").make()
    finally:
        subprocess.run(["umount", "-l", str(small)], check=True)
        shutil.rmtree(small, ignore_errors=True)
    assert run.returncode == 1
    assert "MB left, wanted 100 MB for the logs of jobs; make room, and run the same command again." in flat(run)
    assert "Traceback" not in run.stderr
    assert not fake_slurm.calls("sbatch")
