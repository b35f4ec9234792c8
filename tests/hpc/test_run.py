"""On a node: one element, run as a job runs it, with tasks of the test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from queue_in_memory import spec

from hpc.arrays import (
    ArrayFolder,
    Claim,
    ElementEnd,
    Manifest,
    TaskSpec,
    claim,
    make_void,
    read_claim,
    read_end,
    revoke,
    write_manifest,
)
from hpc.cluster import Request
from hpc.run import NO_MANIFEST

CHECKOUT = Path(__file__).parents[2]
MODULE = '''
"""Tasks of a test: each leaves a file of its word's name, in the folder that the context names."""

import time
from pathlib import Path

import luigi

folder = Path()
check = print


def prepare_node(context, writer, check_in):
    global folder, check
    folder, check = Path(context["folder"]), check_in
    (folder / "writer").write_text(writer)


def sentence_of(error):
    return f"In a sentence: {error}"


class Sum(luigi.Task):
    word = luigi.Parameter()

    def run(self):
        (folder / self.word).touch()
        if self.word == "raises":
            raise ValueError("no")
        if self.word == "sleeps":
            time.sleep(100)
        if self.word == "waits":
            while not (folder / "go on").exists():
                time.sleep(0.01)
            check()
        if self.word == "eats":
            bytearray(300 * 1024**2)
        if self.word == "computes":
            end = time.process_time() + 0.5
            while time.process_time() < end:
                pass
        (folder / f"{self.word} to its end").touch()
'''


class Node:
    """A machine on which elements of one array are run."""

    def __init__(self, path: Path) -> None:
        self.made = path / "made"
        self.made.mkdir()
        (path / "tasks_of_the_test.py").write_text(MODULE)
        self.folder = ArrayFolder(path / "arrays" / "20260101-Sum")
        self.environment = {name: one for name, one in os.environ.items() if not name.startswith("SLURM_")} | {
            "PYTHONPATH": f"{path}:{CHECKOUT}"
        }
        self.started: list[subprocess.Popen[str]] = []

    def write(self, *elements: tuple[TaskSpec, ...], module: str = "tasks_of_the_test") -> None:
        context = {"folder": str(self.made)}
        write_manifest(self.folder, Manifest("x", "Sum", module, context, Request(), Request(), elements, "2026"))

    def start(self, index: int = 0, job: str = "") -> subprocess.Popen[str]:
        called = {"HPC_JOB": job} if job else {}
        words = [sys.executable, "-m", "hpc.run", str(self.folder.manifest), str(index)]
        process = subprocess.Popen(words, env=self.environment | called, text=True, stderr=subprocess.PIPE)
        self.started.append(process)
        return process

    def run(self, index: int = 0, job: str = "") -> tuple[int, str]:
        """Exit status, and what it said."""
        process = self.start(index, job)
        said = process.communicate(timeout=120)[1]
        return process.returncode, said

    def wait_for(self, word: str) -> None:
        while not (self.made / word).exists():
            assert self.started[-1].poll() is None
            time.sleep(0.01)

    def names(self) -> set[str]:
        return {path.name for path in self.made.iterdir()} - {"writer"}

    def end(self, index: int = 0) -> ElementEnd:
        found = read_end(self.folder, index)
        assert found
        return found


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    node = Node(tmp_path)
    yield node
    for process in node.started:
        process.kill()
        process.communicate()


def test_an_element_makes_its_tasks_and_no_others(node: Node) -> None:
    node.write((spec("other"),), (spec("one"), spec("computes")))

    status, said = node.run(1, job="7_1")
    end = node.end(1)

    assert (status, node.names()) == (0, {"one", "one to its end", "computes", "computes to its end"})
    assert [line.split(" ", 2)[2] for line in said.splitlines()] == ["Sum one | made", "Sum computes | made"]
    assert (node.made / "writer").read_text() == node.folder.writer(1) == "20260101-Sum.1"
    assert (end.job, end.host, end.error, end.out_of_memory) == ("7_1", os.uname().nodename, "", False)
    assert [(one.key, one.error) for one in end.tasks] == [(spec("one").key, ""), (spec("computes").key, "")]
    assert 0.5 <= end.tasks[1].seconds <= end.seconds
    assert end.core_seconds >= 0.5
    assert read_claim(node.folder, 1) == Claim("7_1", end.host, node.started[0].pid, end.started_at)


def test_what_one_task_raises_is_told_and_the_others_are_made(node: Node) -> None:
    node.write((spec("raises"), spec("one")))

    status, said = node.run()

    assert status == 1
    assert [one.error for one in node.end().tasks] == ["In a sentence: no", ""]
    assert node.end().error == ""
    assert "ValueError: no" in said, "the log has the traceback"
    assert "Sum raises | failed: In a sentence: no" in said
    assert "one to its end" in node.names()


def test_memory_is_what_was_used_at_most_at_once(node: Node) -> None:
    node.write((spec("eats"),))
    node.run()

    assert 0.29 < node.end().memory_gb < 0.6


@pytest.mark.parametrize(
    ("module", "said"),
    [("no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"), ("json", "AttributeError: module")],
)
def test_an_environment_that_is_not_brainstacks_is_an_error_of_the_element(node: Node, module: str, said: str) -> None:
    node.write((spec("one"),), module=module)

    assert node.run()[0] == 1
    assert node.end().error.startswith(said)
    assert node.end().tasks == ()


def test_a_task_that_there_is_not_is_its_own_error(node: Node) -> None:
    node.write((spec("one", family="Product"), spec("two")))

    assert node.run()[0] == 1
    assert [bool(one.error) for one in node.end().tasks] == [True, False]


def test_nothing_of_a_void_array_begins(node: Node) -> None:
    node.write((spec("one"),))
    make_void(node.folder)

    status, said = node.run()

    assert (status, node.names(), read_end(node.folder, 0)) == (0, set(), None)
    assert "this array was cancelled before this element began; nothing is done" in said
    assert node.folder.claimed_elements() == set()


def test_what_another_job_claimed_is_left_to_it(node: Node) -> None:
    node.write((spec("one"),))
    claim(node.folder, 0, Claim("5_0", "n9", 1, ""))

    status, said = node.run(job="6_0")

    assert (status, node.names(), read_end(node.folder, 0)) == (0, set(), None)
    assert "element 0 of this array is run by job 5_0 on n9 already; this job does nothing" in said


def test_a_job_that_the_queue_starts_anew_goes_on_with_its_own(node: Node) -> None:
    node.write((spec("one"),))
    claim(node.folder, 0, Claim("5_0", "n9", 1, ""))

    assert node.run(job="5_0")[0] == 0
    assert node.end().job == "5_0"


def test_what_was_taken_for_dead_before_it_began_does_nothing(node: Node) -> None:
    node.write((spec("one"),))
    revoke(node.folder, 0, "node failure")

    status, said = node.run()

    assert (status, node.names(), read_end(node.folder, 0)) == (0, set(), None)
    assert "this job was taken for dead, and another one does its work now; it ends here" in said


def test_what_is_taken_for_dead_in_between_writes_no_more_and_begins_no_more(node: Node) -> None:
    node.write((spec("waits"), spec("one")))
    process = node.start()
    node.wait_for("waits")
    revoke(node.folder, 0, "lost")
    (node.made / "go on").touch()

    assert process.wait(60) == 0
    assert node.names() == {"waits", "go on"}
    assert read_end(node.folder, 0) is None


def test_without_a_manifest_a_sentence_says_so(node: Node) -> None:
    status, said = node.run()

    assert status == NO_MANIFEST
    assert f"{node.folder.manifest} is not there; wanted the list of what to run" in said
    assert f"this node, {os.uname().nodename}, does not see the disk" in said


def test_a_manifest_may_be_late_on_a_slow_disk(node: Node) -> None:
    node.folder.path.parent.mkdir()
    process = node.start()
    time.sleep(0.5)
    node.write((spec("one"),))

    assert process.wait(60) == 0
    assert "one to its end" in node.names()


def test_the_queues_own_end_leaves_no_word_so_that_the_queues_is_believed(node: Node) -> None:
    node.write((spec("sleeps"), spec("one")))
    process = node.start()
    node.wait_for("sleeps")
    process.send_signal(signal.SIGTERM)

    assert process.wait(60) == 128 + signal.SIGTERM
    assert node.names() == {"sleeps"}
    assert read_end(node.folder, 0) is None
    assert node.folder.claimed_elements() == {0}


def test_what_is_written_down_can_be_read_by_eye(node: Node) -> None:
    node.write((spec("one"),))
    node.run(job="7_0")

    content = json.loads(node.folder.ended(0).read_text())
    assert set(content) == {"job", "host", "started_at", "seconds", "core_seconds", "memory_gb", "out_of_memory",
                            "error", "tasks"}  # fmt: skip
