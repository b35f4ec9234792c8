from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from by_hand import plan_of, slide

from brainstack.links import link_all, link_section, links_of, read_order
from brainstack.plan import Plan


def make_files(plan: Plan) -> None:
    """A file for every link of every section, that holds the section's key."""
    for section in plan.section.values():
        for _, target in links_of(plan, section):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(section.key)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    plan = plan_of(tmp_path, [slide(1), slide(2)])
    make_files(plan)
    return plan


def shown(plan: Plan, kind: str = "thumbnail_cleaned") -> list[str]:
    """What a person sees when they open the numbered names in turn."""
    folder = plan.folder.numbered(kind, 0, 1).parent
    return [path.read_text() for path in sorted(folder.iterdir())]


def test_numbered_names_lead_to_the_sections_in_order(plan: Plan) -> None:
    assert link_all(plan) == []
    assert shown(plan) == ["slide001_S1", "slide001_S2", "slide002_S1", "slide002_S2"]
    assert read_order(plan.folder) == dict(enumerate(plan.section))


def test_every_kind_of_file_has_its_links(plan: Plan) -> None:
    link_all(plan)
    links = [path.relative_to(plan.folder.root) for path in plan.folder.root.rglob("*") if path.is_symlink()]
    kinds = {str(path.parent) for path in links}
    per_channel = ("full", "thumbnail", "normalized", "thumbnail_cleaned", "thumbnail_aligned", "full_cleaned",
                   "full_aligned")  # fmt: skip
    assert kinds == {
        "preps/masks/thumbnail_colored", "preps/masks/thumbnail_masked", "preps/masks/full_masked", "www",
        *(f"preps/CH{channel}/{kind}" for channel in (1, 2) for kind in per_channel),
        *(f"histogram/CH{channel}" for channel in (1, 2)),
    }  # fmt: skip
    numbers = [path for path in links if path.suffix == ".csv"]
    assert {str(path.parent) for path in numbers} == {"histogram/CH1", "histogram/CH2"}
    assert len(numbers) == 2 * 4
    assert len(links) == (len(kinds) + 2) * 4


def test_another_order_leads_the_names_elsewhere(plan: Plan, tmp_path: Path) -> None:
    link_all(plan)
    turned = plan_of(tmp_path, [slide(1), slide(2)], side_sectioned_first="DESC")
    link_all(turned)
    assert shown(turned) == ["slide002_S2", "slide002_S1", "slide001_S2", "slide001_S1"]


def test_a_gap_has_no_name_and_the_others_keep_theirs(plan: Plan, tmp_path: Path) -> None:
    link_all(plan)
    link_all(plan_of(tmp_path, [slide(1, qc={2: 1}), slide(2)]))
    names = sorted(path.name for path in (plan.folder.root / "preps/CH1/thumbnail_cleaned").iterdir())
    assert names == ["000.tif", "002.tif", "003.tif"]


def test_a_dropped_section_leaves_no_name_behind(plan: Plan, tmp_path: Path) -> None:
    link_all(plan)
    fewer = plan_of(tmp_path, [slide(1, qc={2: 3}), slide(2)])
    link_all(fewer)
    assert shown(fewer) == ["slide001_S1", "slide002_S1", "slide002_S2"]


def test_no_name_is_left_when_all_sections_are_gaps(plan: Plan, tmp_path: Path) -> None:
    link_all(plan)
    link_all(plan_of(tmp_path, [slide(1, status="Bad"), slide(2, status="Bad")]))
    assert not [path for path in plan.folder.root.rglob("*") if path.is_symlink()]


def test_a_name_never_leads_to_another_sections_file(plan: Plan, tmp_path: Path) -> None:
    """Section 1 is dropped, and the one that takes its number has no cleaned image yet."""
    link_all(plan)
    plan.folder.keyed("thumbnail_cleaned", "slide002_S1", 1).unlink()
    fewer = plan_of(tmp_path, [slide(1, qc={2: 3}), slide(2)])
    link_all(fewer)
    assert shown(fewer) == ["slide001_S1", "slide002_S2"]
    assert not fewer.folder.numbered("thumbnail_cleaned", 1, 1).exists()


def test_a_name_whose_file_is_gone_is_removed(plan: Plan) -> None:
    link_all(plan)
    plan.folder.keyed("normalized", "slide001_S1", 1).unlink()
    link_all(plan)
    assert not plan.folder.numbered("normalized", 0, 1).is_symlink()


def test_somebodys_file_where_a_link_should_be_is_left_and_named(plan: Plan) -> None:
    link_all(plan)
    path = plan.folder.numbered("thumbnail_cleaned", 2, 1)
    path.unlink()
    path.write_text("mine")
    assert link_all(plan) == [path]
    assert link_section(plan, plan.section["slide002_S1"]) == [path]
    assert path.read_text() == "mine"


def test_a_section_is_linked_as_soon_as_it_is_made(plan: Plan) -> None:
    link_section(plan, plan.section["slide002_S1"])
    assert shown(plan) == ["slide002_S1"]


def test_the_animals_folder_can_be_moved(plan: Plan, tmp_path: Path) -> None:
    link_all(plan)
    shutil.move(plan.folder.root, tmp_path / "moved")
    assert (tmp_path / "moved/preps/CH1/thumbnail_cleaned/002.tif").read_text() == "slide002_S1"


def test_a_copy_has_a_name_of_its_own_and_the_tiff_of_its_section(plan: Plan, tmp_path: Path) -> None:
    link_all(plan)
    copied = plan_of(tmp_path, [slide(1, replicates={1: 1}), slide(2)])
    folder = copied.folder
    folder.keyed("thumbnail_cleaned", "slide001_S1_copy1", 1).write_text("the copy")
    link_all(copied)
    assert shown(copied, "full") == ["slide001_S1", "slide001_S1", "slide001_S2", "slide002_S1", "slide002_S2"]
    assert shown(copied) == ["slide001_S1", "the copy", "slide001_S2", "slide002_S1", "slide002_S2"]


def test_names_follow_a_section_that_is_moved(plan: Plan, tmp_path: Path) -> None:
    link_all(plan)
    link_all(moved := plan_of(tmp_path, [slide(1, order={1: 2, 2: 1}), slide(2)]))
    assert shown(moved) == shown(moved, "full") == ["slide001_S2", "slide001_S1", "slide002_S1", "slide002_S2"]


def test_names_lead_to_the_rescan_and_back(plan: Plan, tmp_path: Path) -> None:
    link_all(plan)
    again = plan_of(tmp_path, [slide(1), slide(2), slide(2, rescan=2)])
    make_files(again)
    link_all(again)
    rescanned = ["slide001_S1", "slide001_S2", "slide002_rescan2_S1", "slide002_rescan2_S2"]
    assert shown(again) == shown(again, "full") == rescanned
    link_all(plan)
    assert shown(plan) == ["slide001_S1", "slide001_S2", "slide002_S1", "slide002_S2"]
