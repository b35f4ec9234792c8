"""An array on disk: what is written is whole, what is claimed is claimed once."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from queue_in_memory import array_folder, spec

from hpc.arrays import (
    ArrayFolder,
    Claim,
    ElementEnd,
    Manifest,
    TaskEnd,
    TaskSpec,
    array_name,
    arrays_in,
    claim,
    make_void,
    read_claim,
    read_end,
    read_jobs,
    read_manifest,
    revoke,
    write_end,
    write_jobs,
    write_manifest,
    write_whole,
)
from hpc.cluster import ClusterError, Request

REQUEST = Request(options=("--x",), exclude=("n1",))
MANIFEST = Manifest(
    "name", "Sum", "module", {"a": "b"}, REQUEST, replace(REQUEST, minutes=90),
    ((spec("one"), TaskSpec("Sum", {"word": "two"}, ("out of memory",))), (spec("three"),)), made_at="2026",
)  # fmt: skip


def test_a_manifest_is_read_as_it_was_written(tmp_path: Path) -> None:
    folder = ArrayFolder(tmp_path / "arrays" / "one")
    write_manifest(folder, MANIFEST)

    assert read_manifest(folder.manifest) == MANIFEST


def test_the_manifest_of_a_newer_brainstack_is_refused(tmp_path: Path) -> None:
    folder = ArrayFolder(tmp_path / "one")
    write_manifest(folder, replace(MANIFEST, format=2))

    with pytest.raises(ClusterError, match=r"is of format 2, from a newer brainstack; this one knows up to 1"):
        read_manifest(folder.manifest)


def test_a_task_is_the_same_in_whatever_order_its_parameters_stand_and_however_often_it_was_tried() -> None:
    assert TaskSpec("A", {"x": "1", "y": "2"}).key == TaskSpec("A", {"y": "2", "x": "1"}, ("lost",)).key
    assert TaskSpec("A", {"x": "1"}).key != TaskSpec("A", {"x": "2"}).key
    assert str(TaskSpec("A", {"x": "1", "y": "", "z": "s2"})) == "A 1 s2"


def test_arrays_are_found_by_age_and_without_those_that_are_settled(tmp_path: Path) -> None:
    names = [array_name("Sum") for _ in range(3)]
    for name in reversed(names):
        write_manifest(ArrayFolder(tmp_path / name), MANIFEST)
    (tmp_path / "a folder without a manifest").mkdir()
    write_whole(ArrayFolder(tmp_path / names[1]).closed, {})

    assert [one.name for one in arrays_in(tmp_path)] == [names[0], names[2]]
    assert [one.name for one in arrays_in(tmp_path, closed=True)] == names
    assert arrays_in(tmp_path / "no such folder") == []


def test_the_queues_numbers_are_none_until_they_are_written(tmp_path: Path) -> None:
    folder = array_folder(tmp_path / "one")

    assert read_jobs(folder) == []
    write_jobs(folder, ["12", "13"])
    assert read_jobs(folder) == ["12", "13"]


def test_only_the_first_has_a_claim(tmp_path: Path) -> None:
    folder = array_folder(tmp_path / "one")
    first, second = Claim("5_0", "n1", 1, "now"), Claim("6_0", "n2", 2, "later")

    assert read_claim(folder, 0) is None
    assert claim(folder, 0, first) == first
    assert claim(folder, 0, second) == first
    assert claim(folder, 1, second) == second
    assert read_claim(folder, 0) == first
    assert folder.claimed_elements() == {0, 1}


def test_a_claim_that_is_just_being_written_is_nobodys_that_asks(tmp_path: Path) -> None:
    folder = array_folder(tmp_path / "one")
    folder.claim(0).touch()
    mine = Claim("5_0", "n1", 1, "now")

    assert claim(folder, 0, mine).job == ""
    assert read_claim(folder, 0) == Claim("", "", 0, "")


CLAIMS = """
import sys
from pathlib import Path
from hpc.arrays import ArrayFolder, Claim, claim

folder, name = ArrayFolder(Path(sys.argv[1])), sys.argv[2]
sys.stdin.readline()
print(*(index for index in range(200) if claim(folder, index, Claim(name, "", 0, "")).job == name))
"""


def test_of_two_processes_each_claim_is_one_s(tmp_path: Path) -> None:
    folder = array_folder(tmp_path / "one")
    pair = [
        subprocess.Popen([sys.executable, "-c", CLAIMS, str(folder.path), name], text=True, stdin=-1, stdout=-1)
        for name in ("a", "b")
    ]
    for one in pair:
        assert one.stdin
        one.stdin.write("go\n")
        one.stdin.flush()
    had = [[int(word) for word in one.communicate()[0].split()] for one in pair]

    assert sorted(had[0] + had[1]) == list(range(200))


def test_ends_are_read_as_they_were_written(tmp_path: Path) -> None:
    folder = array_folder(tmp_path / "one")
    end = ElementEnd("5_0", "n1", "now", 2.0, 1.0, 0.5, True, "no", (TaskEnd("key", 1.0, "failed"),))

    assert read_end(folder, 7) is None
    write_end(folder, 7, end)
    assert read_end(folder, 7) == end
    assert folder.ended_elements() == {7}


def test_what_is_half_written_is_no_end(tmp_path: Path) -> None:
    folder = array_folder(tmp_path / "one")
    (tmp_path / "one" / "ended" / ".7.json-n1-5").write_text("{")

    assert folder.ended_elements() == set()


def test_void_and_revoked_say_when_and_why(tmp_path: Path) -> None:
    folder = array_folder(tmp_path / "one")
    make_void(folder)
    revoke(folder, 3, "node failure")

    assert folder.void.exists()
    assert json.loads(folder.revoked(3).read_text())["cause"] == "node failure"
    assert folder.revoked_elements() == {3}


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_whole(path, {"a": 1})

    with pytest.raises(TypeError):
        write_whole(path, {"a": [1, object()]})
    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]
