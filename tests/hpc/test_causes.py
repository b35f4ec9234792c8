"""Jobs that end in all the ways that there are, on the fake Slurm and where it is cheap on the real one: why they did
is told apart, and each cause has its own way of trying again."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest
from fake_slurm import FakeSlurm
from fleets import ONE_EACH, WATCH, Place, ended, run, spec, until
from slurm_asking import Slurm
from slurm_cluster import SlurmCluster

import hpc.outbox
import hpc.slurm
from hpc import verdicts
from hpc.arrays import read_claim, read_manifest
from hpc.cluster import Limits
from hpc.fleet import Fleet

BOOKS = pytest.mark.parametrize("accounting", ["slurmdbd", "none"])
PATIENT = replace(WATCH, grace_s=60.0)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hpc.outbox, "RETRY_WAIT_S", 0.2)
    monkeypatch.setattr(hpc.slurm, "TIMEOUT_S", 20.0)


def begin(fleet: Fleet, place: Place, *words: str) -> None:
    """Submit these, and wait until all have begun."""
    fleet.submit([spec(word) for word in words])

    def are_begun() -> bool:
        assert not fleet.poll()
        return set(place.count("begun")) >= set(words)

    until(are_begun, f"{words} do not begin")


# Each cause


@BOOKS
def test_causes_are_told_apart_and_each_is_tried_again_in_its_own_way(
    fake_slurm: FakeSlurm, place: Place, accounting: str
) -> None:
    """The state of each element's first try; its second goes well."""
    states = {
        "a": "OUT_OF_MEMORY", "b": "TIMEOUT", "c": "NODE_FAIL", "d": "PREEMPTED", "e": "LAUNCH_FAILURE",
    }  # fmt: skip
    fates = {f"*:{index}": [state] for index, state in enumerate(states.values())}
    fake_slurm.faults(accounting=accounting, running=8, elements=fates)
    found = run(place.fleet(replace(WATCH, grace_s=4.0)), [*states, "f"])

    assert found == dict.fromkeys([*states, "f"], "")
    first, *again = [read_manifest(one.manifest) for one in place.folders()]
    tried = {spec.parameters["word"]: (spec.tries, one.request) for one in again for (spec,) in one.elements}
    asked = first.request
    assert {word: tries for word, (tries, _) in tried.items()} == {
        "a": (verdicts.OUT_OF_MEMORY,), "b": (verdicts.TIME_LIMIT,), "c": (verdicts.NODE_FAILURE,),
        "d": (verdicts.PREEMPTED,), "e": (verdicts.NEVER_STARTED,),
    }  # fmt: skip
    assert tried["a"][1] == replace(asked, memory_gb=2 * asked.memory_gb)
    assert tried["b"][1] == replace(asked, minutes=2 * asked.minutes)
    assert tried["c"][1].exclude in (("sn1",), ("sn2",))
    assert tried["d"][1] == asked, "who had to make way does not need more"
    assert tried["e"][1].exclude in (("sn1",), ("sn2",))
    assert place.count("ended") == dict.fromkeys([*states, "f"], 1)


@pytest.mark.parametrize(
    ("state", "limits", "asked", "said"),
    [
        ("OUT_OF_MEMORY", {"memory_gb": 0.3}, [0.1, 0.2, 0.3], "with 0.3 GB, 3 times; raise memory_gb of"),
        ("TIMEOUT", {"minutes": 15.0}, [5, 10, 15], "by its time limit of 15 minutes, 3 times; raise minutes of"),
    ],
)
def test_a_cause_that_stays_ends_in_a_sentence(
    fake_slurm: FakeSlurm, place: Place, state: str, limits: dict[str, float], asked: list[float], said: str
) -> None:
    fake_slurm.faults(elements={"*": {"state": state, "after_s": 0}})
    found = run(place.fleet(limits=Limits(element_minutes=ONE_EACH, **limits)), ["a"])

    assert said in found["a"]
    assert [getattr(one, next(iter(limits))) for one in place.asked()] == asked


@pytest.mark.slurm
def test_on_a_cluster_of_few_nodes_the_last_one_is_tried_again_too(slurm: SlurmCluster, place: Place) -> None:
    """Nodes that failed are passed over, as long as there is another."""
    fleet = place.fleet(exclude=("sn1", "sn2"))

    assert run(fleet, ["a"]) == {"a": ""}
    assert [one.exclude for one in place.asked()] == [()]


def test_a_task_s_own_error_is_not_tried_again(fake_slurm: FakeSlurm, place: Place) -> None:
    found = run(place.fleet(), ["bad", "good"])

    assert found == {"bad": "bad is no good.", "good": ""}
    assert place.count("begun") == {"bad": 1, "good": 1}
    assert len(place.folders()) == 1


def test_an_array_that_fails_by_its_tasks_own_errors_stops_early(fake_slurm: FakeSlurm, place: Place) -> None:
    fake_slurm.faults(running=2)
    words = [f"bad{number:02d}" for number in range(30)]
    found = run(place.fleet(), words)

    begun = place.count("begun")
    assert 5 <= len(begun) < 15
    assert all((f"{word} is no good." == found[word]) == (word in begun) for word in words)
    assert found["bad29"].endswith("jobs before it failed by an error of their own; mend that, and run the same "
                                   "command again.")  # fmt: skip
    assert fake_slurm.calls("scancel")[0]["argv"][0] == "--state=PENDING"


def test_only_the_failed_elements_of_an_array_go_out_again(fake_slurm: FakeSlurm, place: Place) -> None:
    fake_slurm.faults(elements={"*:1": ["PREEMPTED"], "*:3": ["PREEMPTED"]})
    run(place.fleet(), "abcde")

    assert place.sent()[0] == [*"abcde"]
    assert sorted(word for words in place.sent()[1:] for word in words) == ["b", "d"]


# The real Slurm's own ends


@pytest.mark.slurm
def test_a_node_that_fails_is_passed_over(slurm: SlurmCluster, place: Place) -> None:
    fleet = place.fleet(PATIENT, cores=5)  # one of two on each node
    begin(fleet, place, "waits1", "waits2")
    slurm.fail_node("sn1")
    (place.path / "go").touch()

    assert run(fleet, ["waits1", "waits2"]) == {"waits1": "", "waits2": ""}
    assert place.asked()[1].exclude == ("sn1",)
    assert place.count("ended") == {"waits1": 1, "waits2": 1}


@pytest.mark.slurm
def test_a_job_that_somebody_cancels_has_failed(slurm: SlurmCluster, place: Place) -> None:
    fleet = place.fleet(PATIENT)
    begin(fleet, place, "waits1", "waits2")
    slurm.run("scancel", f"{fleet.arrays[0].jobs[0]}_0")
    said = run(fleet, ["waits1"])["waits1"]
    (place.path / "go").touch()

    assert "was cancelled in the queue on sn" in said
    assert run(fleet, ["waits2"]) == {"waits2": ""}
    assert len(place.folders()) == 1


@pytest.mark.slurm
def test_a_job_that_dies_by_a_signal_is_lost_and_tried_again(slurm: SlurmCluster, place: Place) -> None:
    """Slurm says of it what it says of a job that never began; the claim says that it did."""
    fleet = place.fleet()
    begin(fleet, place, "waits")
    claim = read_claim(fleet.arrays[0].folder, 0)
    assert claim
    os.kill(claim.process, signal.SIGKILL)
    (place.path / "go").touch()

    assert run(fleet, ["waits"]) == {"waits": ""}
    again = read_manifest(place.folders()[1].manifest)
    assert again.elements[0][0].tries == (verdicts.LOST,)
    assert again.request == place.asked()[0]


@pytest.mark.slow
@pytest.mark.slurm
def test_memory_is_watched_by_the_kernel_and_limits_by_the_books(place: Place) -> None:
    """A Slurm with accounting: most jobs of a user, most cores of a user, and an end for what takes too much memory,
    also where it is a part of a job, which ends well."""
    import mariadb_server
    import slurm_cluster

    wanted = {"accounting": "slurmdbd", "proctrack": "cgroup"}
    if reason := slurm_cluster.why_not(**wanted) or mariadb_server.why_not():
        pytest.skip(reason)
    with (
        mariadb_server.shared() as mariadb,
        SlurmCluster(nodes=1, mariadb=mariadb, max_submit_jobs=3, max_cpus=2, **wanted) as slurm,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name, value in slurm.environment.items():
            patch.setenv(name, value)
        fleet = place.fleet(PATIENT, memory_gb=0.25)
        fleet.submit([spec(word) for word in ("waits1", "waits2", "waits3", "waits4")])
        until(lambda: not fleet.poll() and "2 running" in fleet.summary("Sum") and "waiting (" in fleet.summary("Sum"),
              "two of them do not run")  # fmt: skip
        summary = fleet.summary("Sum")
        (place.path / "go").touch()
        assert run(fleet, ["waits1", "waits2", "waits3", "waits4"]) == {f"waits{one}": "" for one in (1, 2, 3, 4)}
        found = run(fleet, ["eats", "feeds"])

    assert "(QOSMaxCpuPerUserLimit)" in summary
    assert "slurm takes no more for now: " in summary
    assert "QOSMaxSubmitJobPerUserLimit" in summary
    assert max(map(len, place.sent())) <= 3
    assert found["eats"] == ""
    assert "its output is not to be seen" not in found["feeds"]
    memory = {read_manifest(one.manifest).request.memory_gb for one in place.folders()}
    assert memory >= {0.25, 0.5}


# What the queue forgot, and what it does not know yet


@BOOKS
def test_what_left_word_of_its_end_is_done_though_the_queue_forgot_it_at_once(
    fake_slurm: FakeSlurm, place: Place, accounting: str
) -> None:
    fake_slurm.faults(accounting=accounting, min_job_age_s=0)

    assert run(place.fleet(), "abc") == {"a": "", "b": "", "c": ""}
    assert len(place.folders()) == 1


@BOOKS
def test_what_was_forgotten_and_left_no_word_has_its_cause_from_the_books_where_there_are_some(
    fake_slurm: FakeSlurm, place: Place, accounting: str
) -> None:
    fates = {"*": [{"state": "OUT_OF_MEMORY", "after_s": 0}]}
    fake_slurm.faults(accounting=accounting, min_job_age_s=0, elements=fates)
    found = run(place.fleet(), "a")

    assert found == {"a": ""}
    tries = read_manifest(place.folders()[1].manifest).elements[0][0].tries
    assert tries == ((verdicts.OUT_OF_MEMORY,) if accounting == "slurmdbd" else (verdicts.NEVER_STARTED,))


def test_what_the_queue_forgot_and_still_runs_writes_nothing_more(fake_slurm: FakeSlurm, place: Place) -> None:
    """As after a kill -9 of slurmctld: the element is taken for lost, and another makes its task."""
    fleet = place.fleet()
    begin(fleet, place, "waits")
    fake_slurm.faults(appears_after_s=1e9)
    until(lambda: not fleet.poll() and len(place.folders()) > 1, "it is not tried again")
    fake_slurm.faults()
    until(lambda: place.count("begun")["waits"] == 2, "the second does not begin")
    (place.path / "go").touch()

    assert run(fleet, ["waits"]) == {"waits": ""}
    assert place.count("ended") == {"waits": 1}
    first = place.folders()[0].log(0)
    until(lambda: "was taken for dead" in first.read_text(), "the first does not leave")


@pytest.mark.parametrize(
    ("said", "grace_s"),
    [(["timeout", "unreachable", "hang"] * 3, 1.0), (["cut", "empty"] * 5, 60.0)],
    ids=["no answer", "less than the truth"],
)
def test_a_queue_that_fails_for_a_while_means_nothing(
    fake_slurm: FakeSlurm, place: Place, said: list[str], grace_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for longer than the grace where it does not answer; where it answers that there is nothing, for less."""
    monkeypatch.setattr(hpc.slurm, "TIMEOUT_S", 0.5)
    fleet = place.fleet(replace(WATCH, ask_s=0.1, grace_s=grace_s))
    begin(fleet, place, "waits1", "waits2")
    fake_slurm.faults(squeue=said)
    calls, summaries = len(fake_slurm.calls("squeue")), set()

    def are_used() -> bool:
        assert not fleet.poll()
        summaries.add(fleet.summary("Sum"))
        return len(fake_slurm.calls("squeue")) >= calls + len(said)

    until(are_used, "squeue is not called")
    monkeypatch.setattr(hpc.slurm, "TIMEOUT_S", 20.0)
    fake_slurm.faults()
    (place.path / "go").touch()

    assert run(fleet, ["waits1", "waits2"]) == {"waits1": "", "waits2": ""}
    assert place.count("begun") == {"waits1": 1, "waits2": 1}
    if "hang" in said:
        expected = "Socket timed out", "Unable to contact", "gave no answer"
        assert all(any("does not answer" in one and word in one for one in summaries) for word in expected)


def test_a_queue_that_lags_has_nothing_run_twice(fake_slurm: FakeSlurm, place: Place) -> None:
    fake_slurm.faults(appears_after_s=1.0, state_lag_s=1.5, sacct_lag_s=3.0, elements={"*:1": ["PREEMPTED"]})

    assert run(place.fleet(replace(WATCH, grace_s=6.0)), "abc") == {"a": "", "b": "", "c": ""}
    assert place.count("ended") == {"a": 1, "b": 1, "c": 1}
    assert place.sent() == [["a", "b", "c"], ["b"]]


# What is not taken, and what waits


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"partition": "none"}, "invalid partition specified: none"),
        ({"memory_gb": 64.0}, "Memory specification can not be satisfied"),
        ({"cores": 64}, "More processors requested than permitted"),
        ({"minutes": 11.0, "partition": "short"}, "Requested time limit is invalid"),
        ({"options": ("--no-such-option",)}, "no-such-option"),
    ],
)
def test_what_the_queue_will_never_take_is_a_sentence_at_once(
    either: Slurm, place: Place, request_: dict[str, object], said: str
) -> None:
    found = run(place.fleet(**request_), ["a", "b"])

    assert found["a"] == found["b"]
    assert found["a"].startswith("slurm refused its job: ")
    assert said in found["a"]
    assert found["a"].endswith("; change [stages.Sum] in config/cluster.toml.")
    assert place.folders() == []


@pytest.mark.parametrize("said", ["account", "qos"])
def test_an_account_or_qos_that_there_is_not(fake_slurm: FakeSlurm, place: Place, said: str) -> None:
    fake_slurm.faults(sbatch=said)

    assert f"Invalid {said}" in run(place.fleet(), ["a"])["a"]
    assert len(fake_slurm.calls("sbatch")) == 1


def test_what_is_too_much_for_now_goes_out_in_smaller_portions(fake_slurm: FakeSlurm, place: Place) -> None:
    fake_slurm.faults(max_submit_jobs=3, accounting="none")  # without books the limit is not known before
    words = [f"{number}" for number in range(7)]

    assert run(place.fleet(), words) == dict.fromkeys(words, "")
    assert max(map(len, place.sent())) <= 3
    assert place.count("ended") == dict.fromkeys(words, 1)


def test_why_jobs_wait_is_told(fake_slurm: FakeSlurm, place: Place) -> None:
    fake_slurm.faults(pending={"*:2": "QOSMaxCpuPerUserLimit", "*:3": "QOSMaxCpuPerUserLimit"})
    fleet = place.fleet(PATIENT)
    fleet.submit([spec(f"waits{number}") for number in range(4)])
    wanted = "2 running, 2 waiting (QOSMaxCpuPerUserLimit)"
    until(lambda: not fleet.poll() and fleet.summary("Sum") == wanted, wanted)
    (place.path / "go").touch()
    fake_slurm.faults()

    assert set(run(fleet, [f"waits{number}" for number in range(4)]).values()) == {""}
    assert not ended(fleet.poll())
