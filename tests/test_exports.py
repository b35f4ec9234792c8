"""What exports are called, what is made again of them, which slots they have, and the room that they take."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from by_hand import plan_of, run_by_hand, settings_with, slide

from brainstack import export_room
from brainstack.asked_for import stale_asked
from brainstack.errors import BrainstackError
from brainstack.export_room import check_export_room, export_bytes
from brainstack.export_slots import slots_of, write_slots
from brainstack.exports import EXPORT_KINDS, ExportKind, export_kind, export_piece, kind_of_step, section_of_piece
from brainstack.mending import again
from brainstack.plan import Plan
from brainstack.planning import progress_of
from brainstack.records import Contrast, Slide
from brainstack.stages.outputs import export_section_files
from brainstack.stamps import Stamps, Step
from brainstack.status import status_of
from brainstack.status_screen import asked_lines

pytestmark = pytest.mark.usefixtures("luigid_answers")
THREE = (slide(1), slide(2), slide(3))
"""Six sections of 60 x 40 pixels, two channels of 16 bit."""
ZARR = ExportKind("ome-zarr", "thumbnail")


def exported(root: Path, slides: tuple[Slide, ...] = THREE) -> Plan:
    """With all exports made, of empty files."""
    plan = plan_of(root, slides, settings=settings_with(tifs={"thumbnail_factor": 2}))
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True, asked=["Export"])
    return plan


def made_again(plan: Plan) -> Counter[str]:
    return Counter(step.stage for step in run_by_hand(plan, Stamps(plan.folder.stamps), files=True, asked=["Export"]))


@pytest.mark.parametrize("kind", EXPORT_KINDS)
def test_steps_have_names_that_say_all(kind: ExportKind) -> None:
    piece = kind.piece("slide058_rescan2_S2_copy1")
    assert export_kind(kind.item) == kind
    assert export_piece(piece.item) == piece
    assert kind_of_step(kind.item) == kind
    assert kind_of_step(piece.item).piece(piece.key) == piece


def test_files_have_names_that_say_all() -> None:
    assert [kind.file_name("DK39") for kind in EXPORT_KINDS] == [
        "DK39_aligned_thumbnail.ome.zarr", "DK39_aligned_thumbnail.ome.tif", "DK39_aligned_thumbnail_sections",
        "DK39_aligned_full.ome.zarr", "DK39_aligned_full.ome.tif", "DK39_aligned_full_sections",
    ]  # fmt: skip
    assert [section_of_piece(name) for name in ("slide001_S1.zarr", "slide001_S1.ome.tif")] == ["slide001_S1"] * 2


def test_both_kinds_of_tiff_take_the_same_of_a_section(tmp_path: Path) -> None:
    plan = exported(tmp_path)
    assert Counter(step.stage for step in Stamps(plan.folder.stamps).steps() if "xport" in step.stage) == {
        "ExportSection": 6 * 2 * 2, "Export": 6,
    }  # fmt: skip


def test_an_export_is_made_once(tmp_path: Path) -> None:
    plan = exported(tmp_path)
    assert made_again(plan) == {}
    assert status_of(plan, {}).overview.state == "done"
    assert stale_asked(progress_of(plan)) == []


def test_a_new_order_puts_the_same_sections_together_anew(tmp_path: Path) -> None:
    """The last slide becomes a gap: of the others nothing is made for the export, as far as they stay in place."""
    exported(tmp_path)
    plan = plan_of(tmp_path, (*THREE[:2], slide(3, status="Bad")), settings=settings_with(tifs={"thumbnail_factor": 2}))
    status = status_of(plan, {})
    stale = [one for one in status.stale if one.step.stage == "Export"]
    command = "luigi --module tasks Export --animal DK39 --format ome-tiff-sections --resolution full"
    assert len(stale) == 6
    assert stale[-1].command == command
    (line,) = asked_lines(status)[-1]
    assert line.words == f"stale: export/DK39_aligned_full_sections; to make that again: {command}"
    assert made_again(plan)["Export"] == 6
    assert stale_asked(progress_of(plan)) == []


def test_a_contrast_by_hand_is_of_the_format_that_keeps_contrasts(tmp_path: Path) -> None:
    plan = exported(tmp_path)
    plan = replace(plan, records=replace(plan.records, contrasts=(Contrast(2, 10, 500),)))
    stale = stale_asked(progress_of(plan))
    assert len(stale) == 2
    assert all(step.item.startswith("ome-zarr:") for step in stale)
    assert made_again(plan) == {"Export": 2}


def test_slots_say_what_is_in_them(tmp_path: Path) -> None:
    exported(tmp_path)
    plan = plan_of(tmp_path, (THREE[0], slide(2, status="Bad"), THREE[2]))
    failed = Step("Alignment", 2, "slide003_S2")
    slots = slots_of(plan.without([failed]), Step("Export", 0, ZARR.item))
    assert [slot.content for slot in slots] == ["section", "section", "gap", "gap", "section", "missing"]
    assert [slot.piece is not None for slot in slots] == [True, True, False, False, True, False]
    assert slots[0].piece == export_section_files(plan, Step("ExportSection", 0, ZARR.piece("slide001_S1").item))[0]
    write_slots(tmp_path / "slots.csv", slots)
    rows = (tmp_path / "slots.csv").read_text().splitlines()
    assert rows[0] == "number,z_um,key,slide,scene,content"
    assert rows[3].split(",")[-1] == "gap"


def test_without_any_section_there_is_no_export(tmp_path: Path) -> None:
    plan = exported(tmp_path)
    failed = [Step("Alignment", 1, key) for key in plan.section]
    with pytest.raises(BrainstackError, match="No section of DK39 could be exported"):
        slots_of(plan.without(failed), Step("Export", 0, ZARR.item))


def test_the_room_is_that_of_what_is_left_to_be_written(tmp_path: Path) -> None:
    """Six sections of 60 x 40 pixels, at half of that; two channels of 2 bytes; a third more for all levels."""
    plan = plan_of(tmp_path, THREE, settings=settings_with(tifs={"thumbnail_factor": 2}))
    small = 6 * 30 * 20 * 4 * export_room.PACKED * 4 / 3
    for kind, wanted in zip(EXPORT_KINDS, [small, 2 * small, small, 4 * small, 8 * small, 4 * small], strict=True):
        assert export_bytes(progress_of(plan), kind).total == pytest.approx(wanted)
    said = check_export_room(progress_of(plan), ZARR)
    assert "DK39_aligned_thumbnail.ome.zarr: at most 17.3 kB are to be written to " in said
    exported(tmp_path)
    assert check_export_room(progress_of(plan), ZARR) == ""


def test_a_disk_that_is_too_small_is_said_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(tmp_path, THREE, settings=settings_with(tifs={"thumbnail_factor": 2}))
    plan.folder.mask_areas.parent.mkdir(parents=True)
    plan.folder.mask_areas.touch()
    monkeypatch.setattr(export_room, "free_bytes", lambda path: 1000)
    monkeypatch.setattr(export_room, "tissue_px", lambda plan, keys: 1e6)
    with pytest.raises(BrainstackError, match=r"1\.2 MB are to .* 1 kB are free where .*\.brainstack/export is"):
        check_export_room(progress_of(plan), ZARR)


def test_each_disk_has_to_hold_what_is_written_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two disks there are no links: an OME-Zarr is copied from its pieces."""
    plan = plan_of(tmp_path, THREE, settings=settings_with(tifs={"thumbnail_factor": 2}))
    plan.folder.mask_areas.parent.mkdir(parents=True)
    plan.folder.mask_areas.touch()
    monkeypatch.setattr(export_room, "tissue_px", lambda plan, keys: 1e6)
    monkeypatch.setattr(export_room, "_disk", lambda path: hash(path))
    assert export_bytes(progress_of(plan), ZARR) == pytest.approx((1.2e6, 1.2e6))
    for small in (plan.folder.exports, plan.folder.export_pieces):
        monkeypatch.setattr(export_room, "free_bytes", lambda path, small=small: 1000 if path == small else 1e9)
        with pytest.raises(BrainstackError, match=f"1.2 MB are to .* 1 kB are free where {small} is"):
            check_export_room(progress_of(plan), ZARR)
    monkeypatch.setattr(export_room, "free_bytes", lambda path: 2e6)
    assert check_export_room(progress_of(plan), ZARR).count("2 MB are free") == 2


def test_what_failed_is_mended_by_the_command_that_makes_it(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, THREE)
    step = Step("ExportSection", 0, "slide001_S1:tiff:full")
    assert again(plan, step) == "luigi --module tasks Export --animal DK39 --format ome-tiff --resolution full"
