"""Layers of points as CSV."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from layers import made_up

from brainstack.errors import BrainstackError
from brainstack.files import point_csv
from brainstack.files.point_csv import read_points, write_points
from brainstack.point_layer import KINDS, PointLayer

PLACE = "x_um,y_um,z_um"


def read(tmp_path: Path, *lines: str) -> PointLayer:
    path = tmp_path / "cells.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_points(path)


def refused(tmp_path: Path, *lines: str) -> str:
    """What is said of a file, behind its name."""
    with pytest.raises(BrainstackError) as error:
        read(tmp_path, *lines)
    return str(error.value).removeprefix(str(tmp_path / "cells.csv")).lstrip(", :")


def same(one: PointLayer, other: PointLayer) -> None:
    assert one.kind == other.kind
    for name in ("places_um", "starts", "ids"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    assert [said.name for said in one.properties] == [said.name for said in other.properties]
    for said, wanted in zip(one.properties, other.properties, strict=True):
        assert (said.type, said.description) == (wanted.type, wanted.description)
        if said.labels:  # numbered in the order in which they come
            assert [said.labels[n] for n in said.values] == [wanted.labels[n] for n in wanted.values]
        else:
            assert np.array_equal(said.values, wanted.values)
    for related, wanted_related in zip(one.relationships, other.relationships, strict=True):
        assert related.name == wanted_related.name
        assert np.array_equal(related.counts, wanted_related.counts)
        assert np.array_equal(related.ids, wanted_related.ids)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_written_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(point_csv, "ROWS", 64)  # several blocks
    layer = made_up(kind, 200)  # type: ignore[arg-type]
    layer = replace(layer, properties=tuple(replace(one, description="") for one in layer.properties))
    write_points(tmp_path / "cells.csv", layer)
    same(read_points(tmp_path / "cells.csv"), layer)


def test_columns_of_a_second_place_say_the_kind(tmp_path: Path) -> None:
    line = read(tmp_path, f"{PLACE},end_x_um,end_y_um,end_z_um", "1,2,3,4,5,6", "7,8,9,10,11,12")
    assert line.kind == "line"
    assert line.places_um.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10, 11, 12]]
    assert line.lines.tolist() == [2, 3]
    assert read(tmp_path, f"corner_x_um,corner_y_um,corner_z_um,{PLACE}", "1,2,3,4,5,6").first_um.tolist() == [
        [4, 5, 6]
    ]
    assert read(tmp_path, f"{PLACE},radius_x_um,radius_y_um,radius_z_um", "1,2,3,4,5,6").kind == "ellipsoid"


def test_rows_of_one_polyline_are_one_annotation(tmp_path: Path) -> None:
    found = read(tmp_path, f"polyline,{PLACE},sort", "a,1,1,1,x", "a,2,2,2,x", "b,3,3,3,y", "b,4,4,4,y", "b,5,5,5,y")
    assert (found.kind, found.starts.tolist()) == ("polyline", [0, 2, 5])
    assert found.properties[0].labels == ("x", "y")
    assert found.properties[0].values.tolist() == [0, 1]


def test_other_columns_are_properties_of_the_smallest_type(tmp_path: Path) -> None:
    head = f"{PLACE},small,negative,large,part,words,colour,clear,Sort of cell,nothing,number:text,id,structure_ids"
    found = read(
        tmp_path,
        head,
        "1,2,3,0,-1,70000,0.5,a,#ff8000,#00000080,round,,10,7,",
        "1,2,3,255,200,4000000000,2,b,#000000,#ffffffff,,,20,9,3 4",
        "1,2,3,9,0,1,1e3,a,#000001,#01020304,,,10,8,18446744073709551615",
    )
    types = {one.name: one.type for one in found.properties}
    assert types == {
        "small": "uint8", "negative": "int16", "large": "uint32", "part": "float32", "words": "uint8", "colour": "rgb",
        "clear": "rgba", "sort_of_cell": "uint8", "number": "uint8",
    }  # fmt: skip
    said = {one.name: one for one in found.properties}
    assert said["words"].labels == ("a", "b")
    assert said["number"].labels == ("10", "20")
    assert said["sort_of_cell"].labels == ("round", "")
    assert said["sort_of_cell"].description == "Sort of cell"
    assert said["colour"].values.tolist() == [[255, 128, 0], [0, 0, 0], [0, 0, 1]]
    assert found.ids.tolist() == [7, 9, 8]
    assert found.relationships[0].counts.tolist() == [0, 2, 1]
    assert found.relationships[0].ids.tolist() == [3, 4, 2**64 - 1]


def test_a_file_of_another_program_is_read(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_bytes(b'\xef\xbb\xbfx_um, y_um ,z_um,note\r\n1,2,3,"a, b"\r\n\r\n4,5,6,c\r\n')
    found = read_points(tmp_path / "cells.csv")
    assert found.places_um.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert found.properties[0].labels == ("a, b", "c")
    assert found.lines.tolist() == [2, 4]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([""], "has no column x_um, y_um, z_um; wanted micrometres"),
        (["x_um,y_um", "1,2"], "has no column z_um; wanted micrometres from the corner of the aligned volume"),
        (["x,y,section", "1,2,3"], "has no column x_um, y_um, z_um (x, y, section do not say their unit)"),
        ([f"{PLACE},end_x_um", "1,2,3,4"], "has no column end_y_um, end_z_um; wanted"),
        ([PLACE], "has no annotations; wanted a row for each"),
        ([PLACE, "1,2,3", "1,two,3"], "line 3: y_um is 'two'; wanted a number."),
        ([PLACE, "1,2,3", "1,,3"], "line 3: y_um is ''; wanted a number."),
        ([PLACE, "1,2,nan"], "line 2: z_um is 'nan'; wanted a number."),
        ([PLACE, "1,2,3", "1,2"], "line 3: there are 2 columns, wanted 3, as in the first line."),
        ([f"{PLACE},x_um", "1,2,3,4"], "has two columns x_um; give one another name."),
        ([f"{PLACE},score", "1,2,3,5", "1,2,3,n/a"], "line 3: score is 'n/a'; wanted a number, as in the rows above (or"),  # noqa: E501
        ([f"{PLACE},score", "1,2,3,5", "1,2,3,"], "line 3: score is ''; wanted a number, as in the rows above"),
        ([f"{PLACE},colour", "1,2,3,#ff0000", "1,2,3,red"], "line 3: colour is 'red'; wanted a colour such as #ff8000,"),  # noqa: E501
        ([f"{PLACE},colour", "1,2,3,#ff0000", "1,2,3,#ff00", "1,2,3,00"], "line 3: colour is '#ff00'; wanted a colour"),
        ([f"{PLACE},count", "1,2,3,5000000000"], "the column count has whole numbers up to 5000000000, which a property"),  # noqa: E501
        ([f"{PLACE},id", "1,2,3,-4"], "line 2: id is '-4'; wanted whole numbers from 0 to 18446744073709551615."),
        ([f"{PLACE},id", "1,2,3,4", "1,2,3,4"], "line 3 has the id 4, as has line 2; give each annotation one of its own"),  # noqa: E501
        ([f"{PLACE},cell_ids", "1,2,3,4 x"], "line 2: cell_ids is 'x'; wanted whole numbers"),
        ([f"{PLACE},cell_ids", "1,2,3," + "7 " * 1001], "line 2 is related to 1001 objects as 'cell'; wanted 1000 at most"),  # noqa: E501
        ([f"{PLACE},Sort,sort", "1,2,3,a,b"], "the columns Sort and sort would both be called sort in Neuroglancer"),
        ([f"polyline,{PLACE}", "a,1,2,3"], "line 2: polyline a has one point; wanted two or more."),
        (
            [f"polyline,{PLACE}", "a,1,2,3", "a,1,2,4", "b,1,2,3", "b,2,2,2", "a,1,2,3", "a,1,1,1"],
            "line 6: polyline a goes on here, but began above others; put its rows one below the other.",
        ),
        (
            [f"{PLACE},end_x_um,end_y_um,end_z_um,radius_x_um,radius_y_um,radius_z_um", "1,2,3,4,5,6,7,8,9"],
            "has columns of several kinds (end_x_um, end_y_um, end_z_um, radius_x_um, radius_y_um, radius_z_um); wanted one",  # noqa: E501
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_sentence(tmp_path: Path, lines: list[str], said: str) -> None:
    assert refused(tmp_path, *lines).startswith(said)


def test_what_is_no_text_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "cells.csv").write_bytes(b"x_um,y_um,z_um\n1,2,\xff\xfe\n")
    with pytest.raises(BrainstackError, match="cannot be read as CSV in UTF-8"):
        read_points(tmp_path / "cells.csv")
