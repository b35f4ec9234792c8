"""Processes that are killed, and answers that are lost: nothing alive is submitted twice, nothing finished is lost, and
no element runs to its end twice."""

from __future__ import annotations

import signal
from collections import Counter

import pytest
from fake_slurm import FakeSlurm
from fleets import Place, run, spec, until
from slurm_asking import Slurm
from slurm_cluster import SlurmCluster
from submitting import KillingSbatch

import hpc.slurm
from hpc.arrays import read_jobs

WORDS = ("a", "b", "c")
ONCE = dict.fromkeys(WORDS, 1)
MADE = dict.fromkeys(WORDS, "")


# A process that dies


@pytest.mark.slurm
@pytest.mark.parametrize("instant", ["before", "after"])
def test_kill_9_where_an_array_is_just_submitted(
    slurm: SlurmCluster, place: Place, instant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before, Slurm never hears of it; after, it runs, and nobody has written down its number."""
    sbatch = KillingSbatch(place.path / "bin", [instant], monkeypatch)

    assert place.drive(*WORDS)[0] == -signal.SIGKILL
    (folder,) = place.folders()
    assert read_jobs(folder) == []
    status, _ = place.drive(*WORDS)

    assert status == 0
    assert {path.name for path in place.made.iterdir()} == set(WORDS)
    assert place.count("begun") == ONCE
    assert sbatch.calls == 1
    assert len(place.folders()) == (2 if instant == "before" else 1)
    assert all(one.closed.exists() for one in place.folders())


def test_kill_9_at_each_write_and_each_question(either: Slurm, place: Place) -> None:
    """One process after another goes on where the one before was killed, each a little later."""
    deaths = 0
    while (status := place.drive(*WORDS, die_at=deaths + 1)[0]) != 0:
        assert status == -signal.SIGKILL
        deaths += 1

    assert deaths >= 6
    assert {path.name for path in place.made.iterdir()} == set(WORDS)
    assert place.count("ended") == ONCE
    assert place.count("begun") == ONCE
    assert all(one.closed.exists() for one in place.folders())


def test_what_runs_while_nobody_drives_it_is_gone_on_with(fake_slurm: FakeSlurm, place: Place) -> None:
    words = ["ends", "waits1", "waits2"]
    process = place.start(*words)
    until(lambda: set(place.count("begun")) == set(words), "they do not begin")
    process.kill()
    process.communicate()
    (place.path / "go").touch()
    status, found = place.drive(*words)

    assert status == 0
    assert set(found.values()) <= {""}
    assert place.count("begun") == dict.fromkeys(words, 1)
    assert len(place.folders()) == 1


def test_what_ended_while_nobody_drove_it_is_not_made_again(fake_slurm: FakeSlurm, place: Place) -> None:
    process = place.start("waits")
    until(lambda: place.count("begun")["waits"] == 1, "it does not begin")
    process.kill()
    process.communicate()
    (place.path / "go").touch()
    until(lambda: place.folders()[0].ended_elements() == {0}, "it does not end")

    assert place.drive("waits") == (0, {})
    assert place.count("begun") == {"waits": 1}
    assert place.folders()[0].closed.exists()


# An answer that is lost


@pytest.mark.parametrize(
    ("said", "submissions"),
    [("lost", 1), ("silent", 1), ("killed", 1), ("hang_after", 1), ("twice", 1),
     ("timeout", 2), ("killed_before", 2)],
)  # fmt: skip
def test_an_array_of_which_nobody_knows_whether_it_was_taken(
    fake_slurm: FakeSlurm, place: Place, said: str, submissions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found by its name, or, where it does not turn up, made void, and submitted anew."""
    if said == "hang_after":
        monkeypatch.setattr(hpc.slurm, "TIMEOUT_S", 1.5)
    fake_slurm.faults(sbatch=[said])

    assert run(place.fleet(), WORDS) == MADE
    assert len(fake_slurm.calls("sbatch")) == submissions
    assert place.count("begun") == ONCE
    assert len(place.folders()) == submissions
    assert [one.void.exists() for one in place.folders()] == [True, False][2 - submissions :]


def test_an_array_that_turns_up_when_it_was_given_up_does_nothing(fake_slurm: FakeSlurm, place: Place) -> None:
    fake_slurm.faults(sbatch=["lost"], pending={"*": "Priority"}, appears_after_s=1e9)
    fleet = place.fleet()
    fleet.submit([spec(word) for word in WORDS])
    until(lambda: not fleet.poll() and len(place.folders()) == 2, "it is not submitted anew")
    fake_slurm.faults()

    assert run(fleet, WORDS) == MADE
    until(lambda: Counter(state for job in (1, 2) for state in fake_slurm.states(job).values()) == {"COMPLETED": 6},
          "the first does not end")  # fmt: skip
    assert place.count("begun") == ONCE
    assert "this array was cancelled before this element began" in place.folders()[0].log(0).read_text()


def test_an_array_that_was_taken_twice_and_runs_twice_is_made_once(fake_slurm: FakeSlurm, place: Place) -> None:
    fake_slurm.faults(sbatch=["twice"], running=8)
    fleet = place.fleet()
    run(fleet, WORDS)
    until(lambda: len(fake_slurm.states(1)) == len(fake_slurm.states(2)) == 3, "Slurm does not know both")
    fake_slurm.wait(1)
    fake_slurm.wait(2)

    assert place.count("begun") == ONCE
    assert len(place.folders()) == 1


# Cancelling


def test_what_is_cancelled_leaves_nothing_that_runs(fake_slurm: FakeSlurm, place: Place) -> None:
    first = place.fleet()
    first.submit([spec(f"waits{number}") for number in range(3)])
    until(lambda: not first.poll() and len(place.count("begun")) == 3, "they do not begin")
    second = place.fleet()  # as `hpc cancel` does

    assert second.adopt() == 3
    assert second.cancel() == 3
    fake_slurm.wait(int(read_jobs(place.folders()[0])[0]))
    (place.path / "go").touch()
    assert list(place.made.iterdir()) == []
    third = place.fleet()
    assert third.adopt() == 0
    assert run(third, ["waits0"]) == {"waits0": ""}
