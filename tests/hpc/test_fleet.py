"""The arrays of one animal, on a queue that does what the test says, and with a disk that says what it says."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from queue_in_memory import QueueInMemory, begin_element, folder_of, run_element, spec, word_of

import hpc.outbox
from hpc import verdicts
from hpc.arrays import ArrayFolder, TaskSpec, arrays_in, read_end, read_jobs, read_manifest
from hpc.backend import QueueLimits, Refused, Unreachable
from hpc.cluster import Cluster, ClusterError, Limits, Request, Watch
from hpc.fleet import ABSENT, DONE, OTHER, Fleet, Outcome
from hpc.history import History
from hpc.outbox import Client

AT_ONCE = Watch(look_s=0, ask_s=0, grace_s=0, gather_s=0)
PATIENT = Watch(look_s=0, ask_s=0, grace_s=1000, gather_s=0)


class Disk:
    """What the disk says of tasks: made where an element says so, but for those that the test names."""

    def __init__(self, path: Path) -> None:
        self.folder = path / "jobs" / "arrays"
        self.says: dict[str, str] = {}
        self.asked: list[set[str]] = []

    def state(self, specs: Collection[TaskSpec], writers: Collection[str]) -> Mapping[str, str]:
        self.asked.append(set(writers))
        ends = [read_end(one, index) for one in arrays_in(self.folder, closed=True) for index in one.ended_elements()]
        made = {one.key for end in ends if end for one in end.tasks if not one.error}
        return {one.key: self.says.get(word_of(one), DONE if one.key in made else ABSENT) for one in specs}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hpc.outbox, "RETRY_WAIT_S", 0.0)


@pytest.fixture
def queue() -> QueueInMemory:
    return QueueInMemory()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


class Lab:
    """Begins fleets on one folder, as one run after another does."""

    def __init__(self, queue: QueueInMemory, disk: Disk) -> None:
        self.folder, self.queue, self.disk = disk.folder, queue, disk

    def fleet(self, watch: Watch = AT_ONCE, limits: Limits | None = None, **request: object) -> Fleet:
        one_each = limits or Limits(element_minutes=0.01)
        cluster = Cluster(limits=one_each, watch=watch, stages={"Sum": Request(**request)})  # type: ignore[arg-type]
        client = Client("module", lambda array: f"test.{array.name}", "python -m hpc.run", "cd /x", lambda: {"a": "b"})
        return Fleet(self.folder, cluster, self.queue, client, self.disk.state)

    def array(self, number: int = 1) -> ArrayFolder:
        return folder_of(self.queue.submissions[number - 1])

    def words(self, number: int = 1) -> list[list[str]]:
        """Words of each element of an array."""
        return [[word_of(one) for one in tasks] for tasks in read_manifest(self.array(number).manifest).elements]


@pytest.fixture
def lab(queue: QueueInMemory, disk: Disk) -> Lab:
    return Lab(queue, disk)


def ended(outcomes: list[Outcome]) -> dict[str, str]:
    """Error, or "" for made, by word."""
    return {word_of(one.spec): one.error for one in outcomes}


# All goes well


def test_ready_tasks_go_out_together_and_come_back_one_by_one(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet()
    fleet.submit([spec("b"), spec("a")])

    assert fleet.poll() == []
    assert lab.words() == [["a"], ["b"]]
    assert queue.submissions[0].command == f"python -m hpc.run {lab.array().manifest}"
    run_element(lab.array(), 1)
    assert ended(fleet.poll()) == {"b": ""}
    assert fleet.poll() == []
    run_element(lab.array(), 0)
    assert ended(fleet.poll()) == {"a": ""}
    assert (fleet.arrays, len(queue.submissions), arrays_in(lab.folder)) == ([], 1, [])


def test_what_is_on_its_way_is_not_submitted_again(lab: Lab, queue: QueueInMemory, disk: Disk) -> None:
    fleet = lab.fleet(PATIENT)
    for _ in range(3):
        fleet.submit([spec("a")])
        fleet.poll()
    assert len(queue.submissions) == 1
    disk.says["a"] = ABSENT  # made, and not to be seen here yet
    run_element(lab.array(), 0)
    fleet.poll()
    fleet.submit([spec("a")])
    fleet.poll()
    assert len(queue.submissions) == 1


def test_what_turns_out_to_be_made_needs_no_job(lab: Lab, queue: QueueInMemory, disk: Disk) -> None:
    disk.says["a"] = DONE
    fleet = lab.fleet()
    fleet.submit([spec("a"), spec("b")])

    assert ended(fleet.poll()) == {"a": ""}
    assert lab.words() == [["b"]]


def test_tasks_wait_a_moment_for_others(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet(replace(AT_ONCE, gather_s=1000))
    fleet.submit([spec("a")])
    fleet.poll()

    assert queue.submissions == []
    assert fleet.summary("Sum") == "1 tasks to submit"


def test_short_tasks_share_an_element_by_what_was_seen_of_them(lab: Lab) -> None:
    fleet = lab.fleet(limits=Limits(element_minutes=1), seconds=60)
    fleet.submit([spec("a")])
    fleet.poll()
    run_element(lab.array(), 0)  # in one second
    fleet.poll()
    fleet.submit([spec(f"{number:03}") for number in range(90)])
    fleet.poll()

    assert [len(words) for words in lab.words(2)] == [45, 45]
    assert lab.queue.submissions[1].request.minutes == 30 + 2 * 45 / 60


def test_one_task_of_an_element_fails_and_the_others_do_not(lab: Lab) -> None:
    fleet = lab.fleet(limits=Limits(element_minutes=10), seconds=1)
    fleet.submit([spec("a"), spec("b")])
    fleet.poll()
    run_element(lab.array(), 0, {"a": "no."})
    outcomes = fleet.poll()

    assert ended(outcomes) == {"a": "no.", "b": ""}
    assert {word_of(one.spec): one.log for one in outcomes} == dict.fromkeys("ab", lab.array().log(0))


def test_an_elements_own_error_is_that_of_all_its_tasks(lab: Lab) -> None:
    fleet = lab.fleet(limits=Limits(element_minutes=10), seconds=1)
    fleet.submit([spec("a"), spec("b")])
    fleet.poll()
    run_element(lab.array(), 0, error="no module", tasks=())

    assert ended(fleet.poll()) == {"a": "no module", "b": "no module"}


def test_a_person_hears_how_far_it_is(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet(PATIENT)
    fleet.submit([spec(word) for word in "abcd"])
    fleet.poll()
    assert fleet.summary("Sum") == "4 submitted"
    queue.set(1, 0, "RUNNING")
    queue.set(1, 1, "PENDING", "QOSMaxCpuPerUserLimit")
    queue.set(1, 2, "PENDING", "QOSMaxCpuPerUserLimit")
    fleet.poll()
    assert fleet.summary("Sum") == "1 running, 2 waiting (QOSMaxCpuPerUserLimit), 1 waiting"
    assert fleet.summary("Other") == ""
    queue.silent = Unreachable("no answer")
    fleet.poll()
    assert fleet.summary("Sum").endswith(", memory does not answer: no answer")


# Outputs


def test_an_output_that_is_late_is_waited_for(lab: Lab, disk: Disk) -> None:
    fleet = lab.fleet(PATIENT)
    fleet.submit([spec("a")])
    fleet.poll()
    disk.says["a"] = ABSENT
    run_element(lab.array(), 0)
    assert fleet.poll() == []
    disk.says["a"] = DONE
    assert ended(fleet.poll()) == {"a": ""}
    assert disk.asked[-1] == {lab.array().writer(0)}


def test_an_output_that_does_not_come_is_a_failure_that_says_so(lab: Lab, disk: Disk) -> None:
    fleet = lab.fleet()
    fleet.submit([spec("a")])
    fleet.poll()
    disk.says["a"] = ABSENT
    run_element(lab.array(), 0)

    said = ended(fleet.poll())["a"]
    assert "its output is not to be seen here after 0 s" in said
    assert "data_root has to be on a disk that all nodes share" in said


# Causes


def test_more_memory_where_it_ran_out_of_it_until_there_is_no_more(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet(limits=Limits(element_minutes=0.01, memory_gb=7), memory_gb=2)
    fleet.submit([spec("a"), spec("b")])
    fleet.poll()
    run_element(lab.array(), 1)
    for number, memory_gb in enumerate((2, 4, 7), start=1):
        assert queue.submissions[-1].request.memory_gb == memory_gb
        begin_element(lab.array(number), 0)
        queue.set(number, 0, "OUT_OF_MEMORY")
        outcomes = [*fleet.poll(), *fleet.poll()]

    assert [len(lab.words(number)) for number in (1, 2, 3)] == [2, 1, 1], "only what failed goes out again"
    assert ended(outcomes)["a"].startswith("ran out of memory on n1 with 7 GB, 3 times; raise memory_gb")
    assert len(queue.submissions) == 3


def test_no_more_memory_than_the_largest_node_has(lab: Lab, queue: QueueInMemory) -> None:
    queue.largest_gb = 3
    fleet = lab.fleet(memory_gb=2)
    fleet.submit([spec("a")])
    fleet.poll()
    for number in (1, 2):
        queue.set(number, 0, "OUT_OF_MEMORY")
        outcomes = fleet.poll()

    assert [one.request.memory_gb for one in queue.submissions] == [2, 3]
    assert ended(outcomes)["a"].startswith("ran out of memory on n1 with 3 GB")


def test_no_more_time_than_the_queue_allows(lab: Lab, queue: QueueInMemory) -> None:
    """It would wait for ever, where the queue takes it all the same."""
    queue.longest_minutes = 40
    fleet = lab.fleet(limits=Limits(element_minutes=30), seconds=600, minutes=30)
    fleet.submit([spec("a"), spec("b"), spec("c")])
    fleet.poll()

    assert [one.request.minutes for one in queue.submissions] == [40]


def test_what_was_in_one_element_when_it_was_lost_goes_out_one_by_one(lab: Lab, queue: QueueInMemory) -> None:
    """One of them may end all others each time."""
    fleet = lab.fleet(limits=Limits(element_minutes=10), seconds=1)
    fleet.submit([spec("a"), spec("b"), spec("c")])
    fleet.poll()
    begin_element(lab.array(), 0)
    queue.forget(1)
    fleet.poll()

    assert [lab.words(number) for number in (1, 2)] == [[["a", "b", "c"]], [["a"], ["b"], ["c"]]]


def test_an_element_whose_part_the_kernel_killed_is_out_of_memory_though_it_ended_well(
    lab: Lab, queue: QueueInMemory, disk: Disk
) -> None:
    fleet = lab.fleet(memory_gb=2)
    fleet.submit([spec("a")])
    fleet.poll()
    disk.says["a"] = ABSENT
    run_element(lab.array(), 0, out_of_memory=True)
    fleet.poll()

    assert [one.request.memory_gb for one in queue.submissions] == [2, 4]


def test_another_node_where_one_failed(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet()
    fleet.submit([spec("a")])
    fleet.poll()
    begin_element(lab.array(), 0)
    queue.set(1, 0, "NODE_FAIL", node="n7")
    fleet.poll()

    assert queue.submissions[1].request.exclude == ("n7",)
    assert lab.array(1).revoked_elements() == {0}, "should the node live, it writes nothing more"
    assert read_manifest(lab.array(2).manifest).elements[0][0].tries == (verdicts.NODE_FAILURE,)


def test_what_was_made_before_its_element_died_is_not_made_again(lab: Lab, queue: QueueInMemory, disk: Disk) -> None:
    fleet = lab.fleet(limits=Limits(element_minutes=10), seconds=1)
    fleet.submit([spec("a"), spec("b")])
    fleet.poll()
    disk.says["a"] = DONE
    begin_element(lab.array(), 0)
    queue.set(1, 0, "TIMEOUT")

    assert ended(fleet.poll()) == {"a": ""}
    assert lab.words(2) == [["b"]]


def test_what_somebody_cancelled_in_the_queue_has_failed(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet()
    fleet.submit([spec("a")])
    fleet.poll()
    queue.set(1, 0, "CANCELLED")

    assert "was cancelled in the queue on n1 by somebody" in ended(fleet.poll())["a"]


def test_a_queue_that_says_nothing_means_nothing(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet()  # without any patience
    fleet.submit([spec("a")])
    fleet.poll()
    queue.silent = Unreachable("no answer")
    for _ in range(5):
        assert fleet.poll() == []
    assert len(queue.submissions) == 1


def test_the_books_say_what_became_of_what_the_queue_forgot(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet(memory_gb=2)
    fleet.submit([spec("a")])
    fleet.poll()
    fleet.poll()
    begin_element(lab.array(), 0)
    queue.set(1, 0, "OUT_OF_MEMORY")
    queue.books = [queue.known["1", 0]]
    queue.forget(1)
    fleet.poll()

    assert [one.request.memory_gb for one in queue.submissions] == [2, 4]


def test_without_books_what_vanished_is_lost_and_tried_again_as_it_was(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet()
    fleet.submit([spec("a")])
    fleet.poll()
    begin_element(lab.array(), 0)
    queue.forget(1)
    fleet.poll()

    assert [one.request for one in queue.submissions] == [Request(), Request()]
    assert read_manifest(lab.array(2).manifest).elements[0][0].tries == (verdicts.LOST,)


def test_an_array_that_fails_for_the_tasks_own_error_stops_early(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet()
    fleet.submit([spec(f"{number:02}") for number in range(20)])
    fleet.poll()
    begin_element(lab.array(), 19)
    for index in range(5):
        run_element(lab.array(), index, {f"{index:02}": "no."})
    said = ended(fleet.poll())

    assert [word for word, error in said.items() if error == "no."] == ["00", "01", "02", "03", "04"]
    assert said["05"] == (
        "was not tried: 5 of the 5 jobs before it failed by an error of their own; mend that, and run the same "
        "command again."
    )
    assert len(said) == 19, "what runs is left to its end"
    assert queue.cancelled == [("1", True)]
    assert lab.array().void.exists()
    run_element(lab.array(), 19)
    assert ended(fleet.poll()) == {"19": ""}


# Submitting


def test_what_the_queue_will_never_take_has_failed_and_leaves_nothing(lab: Lab, queue: QueueInMemory) -> None:
    queue.answers = [Refused("Invalid account.")]
    fleet = lab.fleet()
    fleet.submit([spec("a"), spec("b")])

    said = "memory refused its job: Invalid account; change [stages.Sum] in config/cluster.toml."
    assert ended(fleet.poll()) == {"a": said, "b": said}
    assert list(lab.folder.iterdir()) == []


def test_what_is_not_taken_for_now_is_offered_again_in_smaller_pieces(lab: Lab, queue: QueueInMemory) -> None:
    queue.answers = [Refused("QOSMaxSubmitJobPerUserLimit", for_now=True)]
    fleet = lab.fleet()
    fleet.submit([spec(word) for word in "abcd"])
    assert fleet.poll() == []
    assert fleet.summary("Sum") == "4 tasks to submit, memory takes no more for now: QOSMaxSubmitJobPerUserLimit"
    fleet.poll()

    assert [one.elements for one in queue.submissions] == [2, 2]


@pytest.mark.parametrize(
    ("ours", "theirs", "sizes"),
    [
        (Limits(element_minutes=0.01, array_size=4), QueueLimits(), [4, 4, 2]),
        (Limits(element_minutes=0.01), QueueLimits(array_size=6), [6, 4]),
        (Limits(element_minutes=0.01, submitted=7), QueueLimits(array_size=4), [4, 3]),
        (Limits(element_minutes=0.01), QueueLimits(submitted=3), [3]),
    ],
)
def test_arrays_are_as_large_as_limits_allow(
    lab: Lab, queue: QueueInMemory, ours: Limits, theirs: QueueLimits, sizes: list[int]
) -> None:
    queue.limited = theirs
    fleet = lab.fleet(PATIENT, ours)
    fleet.submit([spec(str(number)) for number in range(10)])
    fleet.poll()
    assert [one.elements for one in queue.submissions] == sizes
    for number in range(1, len(sizes) + 1):
        for index in range(sizes[number - 1]):
            run_element(lab.array(number), index)
    fleet.poll()
    fleet.poll()
    assert sum(one.elements for one in queue.submissions) == min(10, 2 * sum(sizes))


def test_a_submission_whose_answer_was_lost_is_found_by_its_name(lab: Lab, queue: QueueInMemory) -> None:
    queue.answers, queue.lost = [Unreachable("timed out")], True
    fleet = lab.fleet(PATIENT)
    fleet.submit([spec("a")])
    fleet.poll()
    assert read_jobs(lab.array()) == []
    fleet.poll()
    assert read_jobs(lab.array()) == ["1"]
    run_element(lab.array(), 0)
    assert ended(fleet.poll()) == {"a": ""}
    assert len(queue.submissions) == 1


def test_a_submission_that_was_never_taken_is_made_void_and_then_made_again(lab: Lab, queue: QueueInMemory) -> None:
    queue.answers = [Unreachable("timed out")]
    fleet = lab.fleet(PATIENT)
    fleet.submit([spec("a")])
    fleet.poll()
    fleet.poll()
    first = arrays_in(lab.folder)[0]
    assert (first.void.exists(), queue.submissions) == (False, []), "perhaps it was"

    fleet.cluster = replace(fleet.cluster, watch=AT_ONCE)
    fleet.outbox.cluster = fleet.cluster
    fleet.poll()
    assert first.void.exists()
    assert lab.words() == [["a"]]
    run_element(lab.array(), 0)
    assert ended(fleet.poll()) == {"a": ""}


def test_an_array_that_was_taken_twice_runs_once_and_both_are_watched(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet()
    fleet.submit([spec("a"), spec("b")])
    fleet.poll()
    queue.take("9", queue.submissions[0].name, 2)
    fleet.poll()
    assert sorted(read_jobs(lab.array())) == ["1", "9"]
    for index in (0, 1):  # one of the two found everything claimed by the other, and ended
        queue.set("9", index, "COMPLETED")
    queue.set(1, 0, "RUNNING")
    assert fleet.poll() == []
    run_element(lab.array(), 0)
    run_element(lab.array(), 1)
    assert ended(fleet.poll()) == {"a": "", "b": ""}
    assert len(queue.submissions) == 1


def test_a_full_disk_for_logs_is_an_error_before_anything_is_submitted(
    lab: Lab, queue: QueueInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(lab.folder.anchor)._replace(free=5 * 1024**2)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    fleet = lab.fleet()
    fleet.submit([spec("a")])

    with pytest.raises(ClusterError, match=r"is on a disk with 5 MB left, wanted 100 MB for the logs of jobs; make"):
        fleet.poll()
    assert queue.submissions == []


# One run after another


def test_a_new_run_goes_on_with_what_a_killed_one_submitted(lab: Lab, queue: QueueInMemory) -> None:
    first = lab.fleet(PATIENT)
    first.submit([spec("a"), spec("b"), spec("c")])
    first.poll()
    run_element(lab.array(), 0)  # after the kill, and before the new run
    second = lab.fleet(PATIENT)

    assert second.adopt() == 2
    assert second.live_writers() == {lab.array().writer(1), lab.array().writer(2)}
    second.submit([spec("b"), spec("c")])
    second.poll()
    run_element(lab.array(), 2)
    assert ended(second.poll()) == {"c": ""}
    assert len(queue.submissions) == 1


def test_a_run_that_died_before_it_wrote_the_number_down_is_adopted_by_name(lab: Lab, queue: QueueInMemory) -> None:
    first = lab.fleet(PATIENT)
    first.submit([spec("a")])
    first.poll()
    lab.array().job.unlink()
    second = lab.fleet(PATIENT)

    assert second.adopt() == 1
    assert read_jobs(lab.array()) == ["1"]


def test_what_ended_before_the_new_run_is_settled_at_once(lab: Lab) -> None:
    first = lab.fleet()
    first.submit([spec("a")])
    first.poll()
    run_element(lab.array(), 0)
    second = lab.fleet()

    assert second.adopt() == 0
    assert arrays_in(lab.folder) == []
    assert lab.array().closed.exists()


def test_what_would_make_something_else_than_is_wanted_now_is_ended(lab: Lab, queue: QueueInMemory) -> None:
    first = lab.fleet(PATIENT)
    first.submit([spec("a"), spec("b")])
    first.poll()
    second = lab.fleet(PATIENT)
    second.adopt()

    assert second.drop(lambda manifest, one: word_of(one) == "b") == 1
    assert queue.cancelled == [("1_0", False)]
    assert lab.array().revoked_elements() == {0}
    second.submit([spec("a"), spec("b")])
    second.poll()
    assert lab.words(2) == [["a"]]


def test_what_was_made_by_an_old_plan_is_made_again_by_the_new_one(lab: Lab, disk: Disk) -> None:
    first = lab.fleet(PATIENT)
    first.submit([spec("a")])
    first.poll()
    second = lab.fleet(PATIENT)
    second.adopt()
    second.submit([spec("a")])
    disk.says["a"] = OTHER
    run_element(lab.array(), 0)

    assert second.poll() == []
    assert lab.words(2) == [["a"]]


def test_cancel_ends_all_and_nothing_of_it_begins(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet(PATIENT)
    fleet.submit([spec("a"), spec("b")])
    fleet.poll()
    run_element(lab.array(), 0)
    fleet.poll()

    assert fleet.cancel() == 1
    assert queue.cancelled == [("1", False)]
    assert lab.array().void.exists()
    assert lab.array().revoked_elements() == set(), "it has not begun, and void is enough"
    assert (fleet.arrays, arrays_in(lab.folder)) == ([], [])


def test_cancel_holds_though_the_queue_does_not_answer(lab: Lab, queue: QueueInMemory, monkeypatch) -> None:
    fleet = lab.fleet(PATIENT)
    fleet.submit([spec("a")])
    fleet.poll()

    def no_answer(array: str, *, waiting_only: bool = False) -> None:
        raise Unreachable("no answer")

    monkeypatch.setattr(queue, "cancel", no_answer)
    assert fleet.cancel() == 0
    assert "no answer" in fleet.trouble
    assert lab.array().void.exists()
    assert arrays_in(lab.folder) == [lab.array()], "somebody may try again"


def test_what_was_used_is_noted_for_the_next(lab: Lab, queue: QueueInMemory) -> None:
    fleet = lab.fleet(cores=2, memory_gb=3)
    fleet.submit([spec("a"), spec("b")])
    fleet.poll()
    run_element(lab.array(), 0)
    queue.set(1, 1, "PREEMPTED")
    fleet.poll()

    first, second = History(lab.folder.parent / "history.jsonl").all()
    assert (first.stage, first.task_seconds, first.cores, first.asked_memory_gb) == ("Sum", (1.0,), 2, 3)
    assert (first.cause, second.cause, second.task_seconds) == ("", verdicts.PREEMPTED, ())
