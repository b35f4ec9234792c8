from __future__ import annotations

from pathlib import Path

import pytest

from brainstack.errors import BrainstackError
from brainstack.files.own_tables import read_own_table

TEXT = "section,key,note\n3,slide001_S1,café\n"


def read(path: Path) -> list[tuple[int, str]]:
    return read_own_table(path, ("section", "key"), lambda row: (int(row["section"]), row["note"]), name="the table")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_is_no_hindrance(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.csv").write_text(TEXT, encoding=encoding)
    assert read(tmp_path / "a.csv") == [(3, "café")]


@pytest.mark.parametrize(
    ("text", "encoding", "why"),
    [
        (TEXT.replace(",", ";"), "utf-8-sig", "it has no column 'section', and begins with 'section;key;note'"),
        (TEXT, "utf-16", "codec can't decode"),
        (TEXT, "cp1252", "codec can't decode"),
        (TEXT.replace("3", "three"), "utf-8", "invalid literal for int"),
        ("", "utf-8", "it has no column 'section', and begins with ''"),
    ],
)
def test_a_table_that_was_saved_otherwise_is_told_with_what_to_do(
    tmp_path: Path, text: str, encoding: str, why: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding=encoding)
    with pytest.raises(BrainstackError) as said:
        read(path)
    assert str(path) in str(said.value)
    assert why in str(said.value)
    assert str(said.value).endswith("Delete it, and the next run writes it anew.")


def test_a_row_that_is_too_short_has_nothing_in_its_last_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("section,key,note\n3\n")
    assert read(tmp_path / "a.csv") == [(3, "")]
