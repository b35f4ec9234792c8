from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from brainstack.errors import BrainstackError
from brainstack.files.annotation_csv import read_annotations, write_annotations
from brainstack.points import CELLS, POLYGONS, AnnotationSession, Point

CORNERS = tuple(Point(1.0, 2.0, 3.0, 1, order) for order in range(3))
SESSIONS = [
    AnnotationSession(
        CELLS, (Point(0.1, 1 / 3, 1e-9, source="UNMARKED", cell_type="round"),), "7N_L", 'a "b", c', "Zoë"
    ),
    AnnotationSession(POLYGONS, CORNERS, "", "", "Ana", number=7),
]


def test_what_is_written_comes_back_to_the_last_digit(tmp_path: Path) -> None:
    write_annotations(tmp_path / "marks.csv", SESSIONS)
    assert read_annotations(tmp_path / "marks.csv") == [replace(one, number=0) for one in SESSIONS]


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "marks.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_three_columns_are_enough_and_order_is_that_of_the_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeffx_um,y_um,z_um\n1,2,3\n4,5,6\n")
    (session,) = read_annotations(path, kind=POLYGONS)
    assert session.points == (Point(1, 2, 3, 0, 0), Point(4, 5, 6, 0, 1))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x,y,section\n1,2,3\n", r"no column x_um, y_um, z_um \(x, y, section do not say their unit\)"),
        ("", "no column x_um"),
        ("x_um,y_um,z_um\n1,2,3\n", r"line 2: the type of the annotation is not said.*--type"),
        ("x_um,y_um,z_um,annotation_type\n1,2,3,MARKED_CELL\n1,2,,MARKED_CELL\n", "line 3: z_um is ''"),
        ("x_um,y_um,z_um,annotation_type\n1,nan,3,MARKED_CELL\n", "line 2: y_um is 'nan'"),
        ("x_um,y_um,z_um,annotation_type\n1,2,3,BLOB\n", "line 2: the type of the annotation is BLOB"),
    ],
)
def test_what_cannot_be_understood_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BrainstackError, match=says):
        read_annotations(written(tmp_path, text))


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "marks.csv").write_bytes("x_um,y_um,z_um,person\n1,2,3,Zoë\n".encode("latin-1"))
    with pytest.raises(BrainstackError, match="UTF-8"):
        read_annotations(tmp_path / "marks.csv", kind=CELLS)
