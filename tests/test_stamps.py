from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from brainstack.errors import BrainstackError
from brainstack.files.writer import call_writer
from brainstack.stamps import Stamp, Stamps, Step, digest


def test_a_stamp_is_read_as_it_was_written(tmp_path: Path) -> None:
    step, stamp = Step("Gain", 2), Stamp("abc", {"": "def"})
    Stamps(tmp_path).write(step, stamp)
    assert Stamps(tmp_path).read(step) == stamp


def test_a_step_without_a_stamp_has_none(tmp_path: Path) -> None:
    assert Stamps(tmp_path).read(Step("Gain", 2)) is None


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b'"x"', b'["Gain",2,"",{"digest": "a"}]', b"\xff\xfe", b"null"])
def test_a_line_that_cannot_be_read_is_passed_over(tmp_path: Path, line: bytes) -> None:
    """The step counts as absent, and what the same process wrote before and after still counts."""
    stamps = Stamps(tmp_path)
    stamps.write(Step("Canvas"), Stamp("abc"))
    (file,) = (tmp_path / "new").iterdir()
    file.write_bytes(file.read_bytes() + line)  # torn: no line break at its end
    stamps.write(Step("Transforms"), Stamp("def"))
    later = Stamps(tmp_path)
    assert later.read(Step("Gain", 2)) is None
    assert later.read(Step("Canvas")) == Stamp("abc")
    assert later.read(Step("Transforms")) == Stamp("def")


def test_a_removed_stamp_is_gone_for_this_process_and_the_next(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path)
    stamps.write(Step("Canvas"), Stamp("abc"))
    stamps.remove(Step("Canvas"))
    assert stamps.read(Step("Canvas")) is None
    assert Stamps(tmp_path).read(Step("Canvas")) is None
    stamps.remove(Step("Canvas"))  # twice is as good


def test_a_step_that_was_begun_has_no_stamp_though_a_packed_one_is_there(tmp_path: Path) -> None:
    """A kill between its outputs: they may be half of one and half of another."""
    stamps = Stamps(tmp_path)
    stamps.write(Step("Canvas"), Stamp("abc"))
    stamps.pack()
    stamps.remove(Step("Canvas"))
    assert Stamps(tmp_path).read(Step("Canvas")) is None


def test_a_reader_misses_nothing_while_another_process_packs(tmp_path: Path) -> None:
    """brainstack status is asked during a run: a file that it listed may be packed and gone before it is opened."""
    driver = Stamps(tmp_path)
    driver.write(Step("Canvas"), Stamp("abc"))
    listed = Path.glob

    def packed_once_listed(folder: Path, pattern: str) -> list[Path]:
        found = list(listed(folder, pattern))
        monkeypatch.undo()
        driver.pack()
        return found

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(Path, "glob", packed_once_listed)
        assert Stamps(tmp_path).read(Step("Canvas")) == Stamp("abc")


def in_another_process(work: Callable[[], None]) -> None:
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == 0


def test_what_another_process_wrote_is_seen_after_refreshing(tmp_path: Path) -> None:
    mine = Stamps(tmp_path)
    mine.write(Step("Canvas"), Stamp("old"))
    in_another_process(lambda: Stamps(tmp_path).write(Step("Canvas"), Stamp("new")))
    in_another_process(lambda: Stamps(tmp_path).write(Step("Gain", 1), Stamp("gain")))
    assert mine.read(Step("Gain", 1)) is None
    mine.refresh()
    assert mine.read(Step("Gain", 1)) == Stamp("gain")


def test_packed_stamps_are_a_file_a_stage_whoever_wrote_them_in_whatever_order(tmp_path: Path) -> None:
    steps = [Step("Clean", 2, "b"), Step("Clean", 1, "b"), Step("Clean", 1, "a"), Step("Gain", 1)]
    for folder, order in ((tmp_path / "one", steps), (tmp_path / "other", steps[::-1])):
        for step in order:
            in_another_process(lambda folder=folder, step=step: Stamps(folder).write(step, Stamp(str(step))))
        Stamps(folder).pack()
    files = {path.name: path.read_bytes() for path in (tmp_path / "one").iterdir() if path.is_file()}
    assert sorted(files) == ["Clean.jsonl", "Gain.jsonl"]
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "other").iterdir() if path.is_file()}
    assert list((tmp_path / "one" / "new").iterdir()) == []
    assert all(Stamps(tmp_path / "one").read(step) == Stamp(str(step)) for step in steps)


def test_after_packing_the_same_process_goes_on_writing(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path)
    stamps.write(Step("Gain", 1), Stamp("a"))
    stamps.pack()
    stamps.write(Step("Gain", 2), Stamp("b"))
    stamps.refresh()
    for one in (stamps, Stamps(tmp_path)):
        assert [one.read(Step("Gain", number)) for number in (1, 2)] == [Stamp("a"), Stamp("b")]


def test_a_stage_of_which_nothing_is_left_has_no_file(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path)
    stamps.write(Step("Canvas"), Stamp("a"))
    stamps.pack()
    stamps.remove(Step("Canvas"))
    stamps.pack()
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_stamps_of_the_first_format_still_count_and_are_packed_as_the_newest(tmp_path: Path) -> None:
    """The first had neither a line with its format nor ingredients; the digests are the same."""
    old = '["Canvas",0,"",{"digest":"abc","values":{"":"def"}}]\n'
    (tmp_path / "Canvas.jsonl").write_text(old)
    stamps = Stamps(tmp_path)
    assert stamps.read(Step("Canvas")) == Stamp("abc", {"": "def"})
    stamps.pack()
    assert (tmp_path / "Canvas.jsonl").read_text().startswith('{"format": 2}\n')
    assert Stamps(tmp_path).read(Step("Canvas")) == Stamp("abc", {"": "def"})


def test_stamps_of_a_newer_format_are_refused_and_not_taken_for_absent(tmp_path: Path) -> None:
    (tmp_path / "Canvas.jsonl").write_text('{"format": 3}\n')
    with pytest.raises(BrainstackError, match=r"Canvas\.jsonl is of format 3, from a newer brainstack"):
        Stamps(tmp_path).read(Step("Canvas"))


def test_a_part_that_was_not_said_stands_for_the_whole() -> None:
    assert Stamp("whole", {"x": "part"}).of("x") == "part"
    assert Stamp("whole", {"x": "part"}).of("") == "whole"


def test_the_order_of_names_does_not_change_a_digest() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_the_order_of_a_list_changes_a_digest() -> None:
    assert digest([1, 2]) != digest([2, 1])


def test_a_float_changes_a_digest_by_its_last_bit() -> None:
    assert digest(0.1 + 0.2) != digest(0.3)


def test_arrays_of_the_same_bytes_but_another_shape_or_type_have_other_digests() -> None:
    zeros = np.zeros((2, 3), np.uint8)
    assert digest(zeros) == digest(np.zeros((2, 3), np.uint8))
    assert len({digest(zeros), digest(zeros.T), digest(zeros.ravel()), digest(zeros.astype(bool))}) == 4


def test_an_array_has_one_digest_whatever_its_order_in_memory() -> None:
    array = np.arange(6).reshape(2, 3)
    assert digest(np.asfortranarray(array)) == digest(array)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step("Canvas"), "Canvas"),
        (Step("Gain", 2), "Gain channel 2"),
        (Step("Masks", 0, "slide001_S2"), "Masks slide001_S2"),
        (Step("Clean", 1, "slide001_S2"), "Clean channel 1 slide001_S2"),
    ],
)
def test_a_step_reads_as_words(step: Step, words: str) -> None:
    assert str(step) == words


def written_by(name: str, stamps: Path, *steps: Step) -> None:
    """Stamps, as a job on a cluster leaves them."""
    call_writer(name)
    for step in steps:
        Stamps(stamps).write(step, Stamp(f"{name} {step.item}"))
    call_writer("")


def test_what_jobs_that_live_wrote_is_read_and_stays_where_they_go_on_writing(tmp_path: Path) -> None:
    written_by("job.0", tmp_path, Step("Clean", 1, "a"))
    written_by("job.1", tmp_path, Step("Clean", 1, "b"))
    driver = Stamps(tmp_path)
    driver.pack(living={"job.1"})

    assert [path.name for path in (tmp_path / "new").iterdir()] == ["job.1.jsonl"]
    assert set(driver.steps()) == set(Stamps(tmp_path).steps()) == {Step("Clean", 1, "a"), Step("Clean", 1, "b")}
    assert "job.1" not in (tmp_path / "Clean.jsonl").read_text()
    written_by("job.1", tmp_path, Step("Clean", 1, "c"))
    driver.refresh(["job.1"])
    assert Step("Clean", 1, "c") in driver.steps()
    driver.pack()
    assert list((tmp_path / "new").iterdir()) == []
    assert len(Stamps(tmp_path).steps()) == 3


def test_only_the_jobs_that_are_named_are_asked(tmp_path: Path) -> None:
    driver = Stamps(tmp_path)
    assert driver.steps() == ()
    written_by("job.0", tmp_path, Step("Clean", 1, "a"))
    written_by("job.1", tmp_path, Step("Clean", 1, "b"))

    driver.refresh(["job.1", "job.2"])
    assert driver.steps() == (Step("Clean", 1, "b"),)
    driver.refresh()
    assert len(driver.steps()) == 2


def test_of_two_jobs_that_made_a_step_the_later_array_counts(tmp_path: Path) -> None:
    written_by("20260102-Clean.0", tmp_path, Step("Clean"))
    written_by("20260101-Clean.9", tmp_path, Step("Clean"))

    assert Stamps(tmp_path).read(Step("Clean")) == Stamp("20260102-Clean.0 ")
