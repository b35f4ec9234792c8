from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from brainstack.files.whole import link, whole_file, whole_folder, write_json


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_when_it_is_finished(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    with whole_file(path) as part:
        part.write_text("half")
        assert not path.exists()
        assert part.suffix == ".txt"
    assert path.read_text() == "half"
    assert names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
def test_an_error_in_the_middle_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, error: type[BaseException]
) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def half() -> None:
        with whole_file(path) as part:
            part.write_text("half")
            raise error

    with pytest.raises(error):
        half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_an_error_before_anything_was_written_is_that_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "a.txt"):
        _ = 1 / 0
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["whole_file", "whole_folder"])
def test_a_kill_in_the_middle_leaves_the_old_one_whole(tmp_path: Path, kind: str) -> None:
    old = tmp_path / "a"
    script = f"""
import sys, time
from pathlib import Path
from brainstack.files.whole import {kind}
with {kind}(Path(sys.argv[1])) as part:
    (part / "x" if part.is_dir() else part).write_text("half")
    print("half", flush=True)
    time.sleep(60)
"""
    if kind == "whole_file":
        old.write_text("old")
    else:
        old.mkdir()
        (old / "x").write_text("old")
    with subprocess.Popen([sys.executable, "-c", script, str(old)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    assert (old if kind == "whole_file" else old / "x").read_text() == "old"
    assert [name for name in names(tmp_path) if not name.startswith(".part-")] == ["a"]


def test_a_folder_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "volume"
    path.mkdir()
    (path / "old").write_text("1")
    with whole_folder(path) as part:
        (part / "deep").mkdir()
        (part / "deep" / "new").write_text("2")
        assert names(path) == ["old"]
    assert names(path) == ["deep"]
    assert names(tmp_path) == ["volume"]


def test_an_error_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "volume"
    path.mkdir()
    (path / "old").write_text("1")

    def half() -> None:
        with whole_folder(path) as part:
            (part / "new").write_text("2")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert names(path) == ["old"]
    assert names(tmp_path) == ["volume"]


def test_a_folder_that_a_killed_process_of_the_same_number_left_is_not_taken_over(tmp_path: Path) -> None:
    left = tmp_path / f".part-{os.getpid()}-volume"
    left.mkdir()
    (left / "stray").write_text("")
    with whole_folder(tmp_path / "volume"):
        pass
    assert names(tmp_path / "volume") == []


def test_json_has_all_digits(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"x": 0.1 + 0.2})
    assert (tmp_path / "a.json").read_text() == '{\n "x": 0.30000000000000004\n}\n'


def test_json_that_other_programs_could_not_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", float("nan"))
    assert names(tmp_path) == []


def test_a_link_is_relative_so_that_the_folder_can_be_moved(tmp_path: Path) -> None:
    target = tmp_path / "one" / "kept" / "a.tif"
    target.parent.mkdir(parents=True)
    target.write_text("pixels")
    link(tmp_path / "one" / "preps" / "000.tif", target)
    (tmp_path / "one").rename(tmp_path / "two")
    assert (tmp_path / "two" / "preps" / "000.tif").read_text() == "pixels"


def test_a_link_is_led_elsewhere(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        link(tmp_path / "000", tmp_path / name)
    assert (tmp_path / "000").read_text() == "b"
    assert names(tmp_path) == ["000", "a", "b"]


def test_a_link_that_is_right_is_left_alone(tmp_path: Path) -> None:
    link(tmp_path / "000", tmp_path / "a")
    before = (tmp_path / "000").lstat().st_mtime_ns
    time.sleep(0.02)
    link(tmp_path / "000", tmp_path / "a")
    assert (tmp_path / "000").lstat().st_mtime_ns == before
