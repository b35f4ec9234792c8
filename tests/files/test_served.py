from __future__ import annotations

import os
from pathlib import Path

import pytest

from brainstack.files.served import byte_range, find_served


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "C1T").mkdir(parents=True)
    (folder / "C1T" / "chunk").write_bytes(bytes(100))
    (folder / "C1T" / "packed.gz").write_bytes(b"packed")
    (tmp_path / "secret").write_text("not for others")
    (tmp_path / "data_beside").mkdir()
    (tmp_path / "data_beside" / "secret").write_text("not for others")
    return folder


def test_a_file_is_found_with_its_size(folder: Path) -> None:
    found = find_served(folder, "C1T/chunk")
    assert found
    assert (found.path, found.size, found.encoding) == (folder / "C1T" / "chunk", 100, "")


def test_a_packed_file_has_the_plain_name(folder: Path) -> None:
    found = find_served(folder, "C1T/packed")
    assert found
    assert (found.path.name, found.size, found.encoding) == ("packed.gz", 6, "gzip")


def test_a_folder_that_is_a_link_is_looked_into(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    assert find_served(tmp_path / "link", "C1T/chunk")


def test_a_link_inside_the_folder_is_followed_and_one_that_leads_out_is_not(folder: Path, tmp_path: Path) -> None:
    (folder / "inside").symlink_to("C1T/chunk")
    (folder / "outside").symlink_to(tmp_path / "secret")
    (folder / "way_out").symlink_to(tmp_path)
    (folder / "loop").symlink_to("loop")
    assert find_served(folder, "inside")
    for name in ("outside", "way_out/secret", "loop", "../secret", "../data_beside/secret", "C1T/../../secret"):
        assert find_served(folder, name) is None, name


def test_what_is_no_file_is_not_served(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    for name in ("", ".", "C1T", "pipe", "C1T/chunk/more", "x\0y", "x" * 300, "/etc/passwd"):
        assert find_served(folder, name) is None, name


def test_the_tag_is_another_one_once_the_file_was_written_again(folder: Path) -> None:
    def tag() -> str:
        found = find_served(folder, "C1T/chunk")
        assert found
        return found.tag

    before = tag()
    assert tag() == before
    (folder / "new").write_bytes(bytes(100))
    (folder / "new").rename(folder / "C1T" / "chunk")
    assert tag() != before


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", None),
        ("bytes=0-0", (0, 1)),
        ("bytes=10-19", (10, 20)),
        ("bytes=90-", (90, 100)),
        ("bytes=-5", (95, 100)),
        ("bytes=-500", (0, 100)),
        ("bytes=90-500", (90, 100)),
        ("bytes=1-2,5-6", None),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=١-٢", None),
        ("lines=1-2", None),
    ],
)
def test_a_range_is_understood(header: str, found: tuple[int, int] | None) -> None:
    assert byte_range(header, 100) == found


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0", f"bytes={'9' * 30}-", f"bytes={'9' * 5000}-{'9' * 5001}"])
def test_a_range_behind_the_end_cannot_be_had(header: str) -> None:
    found = byte_range(header, 100)
    assert found
    assert found[0] >= found[1]
