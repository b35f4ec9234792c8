from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import plan_of, slide

from brainstack.errors import BrainstackError
from brainstack.images.mask_outliers import shape_of
from brainstack.mask_areas import (
    MaskArea,
    beside_edit,
    checked_mask_areas,
    doubtful_masks,
    read_mask_areas,
    rows_in_doubt,
    write_mask_areas,
)
from brainstack.plan import Plan


def row_of(mask: np.ndarray, expected_area_um2: float | None = None) -> MaskArea:
    shape = shape_of(mask, 10.0)
    return MaskArea(3, "slide001_S4", shape.area_um2, expected_area_um2, shape.pieces, "no tissue", False)


def test_an_empty_mask_has_an_area_of_0_as_whole_as_all_others(tmp_path: Path) -> None:
    rows = [row_of(np.zeros((5, 5), bool), 1234.5), row_of(np.ones((5, 5), bool))]
    write_mask_areas(tmp_path / "areas.csv", rows)
    table = [line.split(",")[2:4] for line in (tmp_path / "areas.csv").read_text().splitlines()]
    assert table == [["area_um2", "expected_area_um2"], ["0", "1234"], ["2500", ""]]


def test_the_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    refused = dataclasses.replace(row_of(np.ones((5, 5), bool)), edit_refused=True)
    rows = [row_of(np.zeros((5, 5), bool), 1234.0), refused, edited("slide001_S1")]
    write_mask_areas(tmp_path / "areas.csv", rows)
    assert read_mask_areas(tmp_path / "areas.csv") == rows


def test_a_table_that_was_not_made_has_no_rows(tmp_path: Path) -> None:
    assert read_mask_areas(tmp_path / "areas.csv") == []


@pytest.mark.parametrize("saved", [lambda text: text.replace(",", ";"), lambda text: "", lambda text: "\0" + text])
def test_a_table_that_a_spreadsheet_saved_otherwise_is_told_and_hinders_nothing(
    tmp_path: Path, saved: Callable[[str], str]
) -> None:
    plan, lines = said(tmp_path, [edited("slide001_S2", verdict="doubtful")], ["slide001_S2"])
    assert len(lines) > 0
    table = plan.folder.mask_areas
    table.write_text(saved(table.read_text()), encoding="utf-8-sig")
    (line,) = doubtful_masks(plan)
    assert str(table) in line
    assert "Delete it" in line
    assert read_mask_areas(table) == rows_in_doubt(plan) == beside_edit(plan, "slide001_S2") == []
    with pytest.raises(BrainstackError, match="is not the table of the masks' areas"):
        checked_mask_areas(table)
    table.unlink()
    assert doubtful_masks(plan) == []


def test_a_table_saved_by_excel_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    plan, lines = said(tmp_path, [edited("slide001_S2", verdict="doubtful")], ["slide001_S2"])
    table = plan.folder.mask_areas
    table.write_text(table.read_text(), encoding="utf-8-sig")
    assert doubtful_masks(plan) == lines


def edited(key: str, **others: Any) -> MaskArea:
    row = MaskArea(0, key, 62e6, 60e6, 1, "edited", True, 2.5e6, True)
    return dataclasses.replace(row, **others)


def said(root: Path, rows: list[MaskArea], edits: list[str]) -> tuple[Plan, list[str]]:
    plan = plan_of(root, [slide(1), slide(2)], edits=dict.fromkeys(edits, "painted"))
    write_mask_areas(plan.folder.mask_areas, rows)
    return plan, doubtful_masks(plan)


def test_a_proposal_that_changed_since_a_person_made_the_mask_is_said_the_largest_difference_first(
    tmp_path: Path,
) -> None:
    rows = [edited("slide001_S1"), edited("slide001_S2", proposal_changed=False), edited("slide002_S1")]
    rows[2] = dataclasses.replace(rows[2], proposal_differs_um2=7e6)
    plan, lines = said(tmp_path, rows, [one.key for one in rows])
    assert len(lines) == 1
    assert "section 2 (7.0 mm2), 0 (2.5 mm2);" in lines[0]
    (line,) = beside_edit(plan, "slide001_S1")
    assert f"{plan.folder.keyed('proposal', 'slide001_S1')}, differs from that by 2.5 mm2, and has changed" in line
    (line,) = beside_edit(plan, "slide001_S2")
    assert "has changed since" not in line


def test_an_edit_far_from_what_its_neighbours_make_expected_is_said(tmp_path: Path) -> None:
    _, (line,) = said(tmp_path, [edited("slide001_S2", verdict="doubtful", proposal_changed=False)], ["slide001_S2"])
    assert "section 1 (slide001_S2): its mask was edited, and is far from what its neighbours make expected" in line
    assert "62.0 mm2" in line
    assert "60.0 mm2" in line


def test_nothing_is_said_of_an_edit_that_is_newer_than_the_table_or_gone(tmp_path: Path) -> None:
    rows = [edited("slide001_S1"), edited("slide001_S2", edited=False, verdict="doubtful", proposal_changed=False)]
    plan, lines = said(tmp_path, rows, ["slide001_S2"])
    assert lines == []
    assert beside_edit(plan, "slide001_S1") == beside_edit(plan, "slide001_S2") == []
