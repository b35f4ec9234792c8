from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from by_hand import plan_of, slide

from brainstack.records import Histology, Slide, SlideScene
from brainstack.stack import (
    SceneOrder,
    by_position,
    disagreements,
    is_unplaced,
    lost_moves,
    middle_of,
    scans_in_use,
    stack_of,
)

ASCENDING, DESCENDING = Histology("DK39"), Histology("DK39", "DESC")


def stack(*slides: Slide, histology: Histology = ASCENDING) -> list[str]:
    """The keys in order, "-" where a slot is empty. Every slot has its number and its place in the brain."""
    sections = stack_of(scans_in_use(slides), histology)
    assert [section.number for section in sections] == list(range(len(sections)))
    assert [section.z_um for section in sections] == [20.0 * number for number in range(len(sections))]
    assert len({section.key for section in sections}) == len(sections)
    return ["-" if section.gap else section.key for section in sections]


# Copies


def test_copies_follow_their_scene() -> None:
    assert stack(slide(1, replicates={1: 2}), slide(2, 1)) == [
        "slide001_S1", "slide001_S1_copy1", "slide001_S1_copy2", "slide001_S2", "slide002_S1",
    ]  # fmt: skip


def test_copies_are_turned_over_with_the_stack() -> None:
    there, back = (stack(slide(1, replicates={2: 1}), slide(2), histology=side) for side in (ASCENDING, DESCENDING))
    assert back == there[::-1]


def test_a_copy_has_the_image_of_its_section() -> None:
    section, copy = stack_of([slide(7, 1, replicates={1: 1})], ASCENDING)
    assert copy.tif_name(2) == section.tif_name(2) == "DK39_slide007_S1_C2.tif"
    assert (copy.slide, copy.scene, copy.scene_index) == (section.slide, section.scene, section.scene_index)
    assert (section.copy, copy.copy) == (0, 1)


@pytest.mark.parametrize(("bad", "source"), [(1, 2), (2, 1), (4, 3)])
def test_the_slot_of_a_bad_scene_is_filled_by_its_nearest_neighbour_the_one_before_first(bad: int, source: int) -> None:
    filled = stack(slide(1, 4, qc={bad: 2}, replicates={bad: 1}))
    assert len(filled) == 4
    assert filled[bad - 1] == f"slide001_S{source}_copy1"


def test_a_neighbour_that_is_bad_too_fills_nothing() -> None:
    filled = stack(slide(1, 4, qc={1: 1, 2: 2, 3: 1}, replicates={1: 1, 2: 1}))
    assert filled == ["slide001_S4_copy1", "slide001_S4_copy2", "-", "slide001_S4"]


def test_a_slide_without_a_good_scene_stays_empty() -> None:
    assert stack(slide(1, qc={1: 1, 2: 2}, replicates={2: 1})) == ["-", "-"]
    assert stack(slide(1, status="Bad", replicates={2: 1})) == ["-", "-"]


def test_a_scene_that_was_never_a_section_has_no_copies() -> None:
    assert stack(slide(1, qc={2: 3}, replicates={2: 1})) == ["slide001_S1"]
    assert stack(slide(1, dropped=(2,))) == ["slide001_S1"]


# The order on a slide


def test_a_scene_that_was_moved_keeps_its_key_and_its_image() -> None:
    sections = stack_of([slide(1, 3, order={1: 2, 2: 3, 3: 1})], ASCENDING)
    assert [section.key for section in sections] == ["slide001_S3", "slide001_S1", "slide001_S2"]
    assert sections[0].tif_name(1) == "DK39_slide001_S3_C1.tif"
    assert sections[0].scene_index == 2


def test_the_neighbour_of_a_bad_scene_is_the_one_beside_it_now() -> None:
    moved = slide(1, 4, order={1: 4, 2: 1, 3: 2, 4: 3}, qc={1: 1}, replicates={1: 1})
    assert stack(moved) == ["slide001_S2", "slide001_S3", "slide001_S4", "slide001_S4_copy1"]


# The order by position


def placed(*places: tuple[int, int] | tuple[int, int, int, int], **others: object) -> Slide:
    """A slide whose scenes lie at these places: (x, y), or (x, y, width, height); 60 x 40 pixels if not said."""
    scenes = tuple(
        SlideScene(number, number - 1, *(place[2:] or (60, 40)), x=place[0], y=place[1])
        for number, place in enumerate(places, start=1)
    )
    return replace(slide(1), scenes=scenes, **others)  # type: ignore[arg-type]


def numbers(one: Slide, scene_order: SceneOrder) -> list[int]:
    return [section.scene for section in stack_of([one], ASCENDING, scene_order)]


@pytest.mark.parametrize(
    ("places", "lying"),
    [
        ([(0, 0), (100, 0), (0, 100), (100, 100)], (1, 2, 3, 4)),  # two rows as they should be
        ([(100, 100), (0, 100), (100, 0), (0, 0)], (4, 3, 2, 1)),  # the scanner began at the other corner
        ([(0, 0), (0, 100), (100, 100), (100, 0)], (1, 4, 2, 3)),  # the scanner went down, and up again
        ([(100, 15), (0, 0), (200, -10)], (2, 1, 3)),  # a slide that lies a little crooked is one row
        ([(0, 0), (-50, 19), (100, 81), (0, 100)], (2, 1, 4, 3)),  # 21 of 40 pixels beside each other: one row
        ([(0, 0), (-50, 20)], (1, 2)),  # 20 of 40 are no more than half: two rows
        ([(0, 0, 60, 200), (-100, 150, 60, 40)], (2, 1)),  # of a small scene beside a large one, all of it
        ([(0, 0, 200, 40), (90, 5, 10, 30)], (2, 1)),  # by the middles: 95 lies before 100
        ([(-900, -500), (-990, -500)], (2, 1)),  # places may be negative
        ([(0, 0), (0, 0)], (1, 2)),  # one upon the other: as scanned
        ([(5, 5)], (1,)),
        ([], ()),
    ],
)
def test_by_position_is_row_by_row_from_the_top_and_each_row_from_the_left(
    places: list[tuple[int, int]], lying: tuple[int, ...]
) -> None:
    assert by_position(placed(*places).scenes) == lying
    assert numbers(placed(*places), "position") == list(lying)
    assert numbers(placed(*places), "scan") == sorted(lying)


def test_scenes_side_by_side_with_a_third_are_in_one_row() -> None:
    """A row that falls from left to right: the first and the last are not beside each other."""
    assert by_position(placed((200, 36), (100, 18), (0, 0), (0, 100)).scenes) == (3, 2, 1, 4)


def test_by_position_keys_and_images_stay_with_the_scan() -> None:
    sections = stack_of([placed((100, 0), (0, 0))], ASCENDING, "position")
    assert [section.key for section in sections] == ["slide001_S2", "slide001_S1"]
    assert sections[0].tif_name(1) == "DK39_slide001_S2_C1.tif"
    assert sections[0].scene_index == 1


def test_a_person_s_order_wins_over_both() -> None:
    said = placed((100, 0), (0, 0), (200, 0))
    scenes = tuple(replace(scene, order=place) for scene, place in zip(said.scenes, (3, 2, 1), strict=True))
    for scene_order in ("scan", "position"):
        assert numbers(replace(said, scenes=scenes), scene_order) == [3, 2, 1]


def test_the_end_of_the_tissue_has_no_place_by_position() -> None:
    one = placed((100, 0), (0, 0), (50, 0))
    ended = replace(one, scenes=(*one.scenes[:2], replace(one.scenes[2], qc=3)))
    assert numbers(ended, "position") == [2, 1]


def test_a_slide_that_was_read_before_places_were_kept_stays_in_the_order_of_the_scan() -> None:
    old = replace(placed((100, 0), (0, 0)), scenes=slide(1).scenes)
    assert is_unplaced(old)
    assert numbers(old, "position") == [1, 2]
    assert disagreements([old]) == ()


def test_where_the_two_orders_disagree_both_are_told() -> None:
    (found,) = disagreements([placed((0, 0), (100, 0)), placed((100, 0), (0, 0))])
    assert (found.scanned, found.lying) == ((1, 2), (2, 1))


def test_a_slide_about_which_a_person_said_something_disagrees_with_nobody() -> None:
    wrong = placed((100, 0), (0, 0))
    said = replace(wrong, scenes=tuple(replace(scene, order=scene.number) for scene in wrong.scenes))
    assert disagreements([said, replace(wrong, status="Bad")]) == ()


# Scans


def test_the_last_good_scan_of_a_slide_is_used() -> None:
    assert stack(slide(1, rescan=3, status="Bad"), slide(1, rescan=2), slide(1), slide(2, 1)) == [
        "slide001_rescan2_S1", "slide001_rescan2_S2", "slide002_S1",
    ]  # fmt: skip


def test_the_first_scan_is_used_when_the_others_are_bad() -> None:
    assert stack(slide(1), slide(1, rescan=2, status="Bad")) == ["slide001_S1", "slide001_S2"]


def test_a_slide_all_of_whose_scans_are_bad_is_empty_once() -> None:
    assert stack(slide(1, status="Bad"), slide(1, 3, rescan=2, status="Bad")) == ["-", "-", "-"]


def test_a_rescan_that_was_not_read_takes_no_place() -> None:
    unread = replace(slide(1, 0, rescan=2), channels=())
    assert stack(slide(1), unread) == ["slide001_S1", "slide001_S2"]
    assert stack(slide(1, status="Bad"), unread) == ["-", "-"]


def test_copies_of_a_rescan_say_both() -> None:
    assert stack(slide(58, 1, rescan=2, replicates={1: 1})) == ["slide058_rescan2_S1", "slide058_rescan2_S1_copy1"]


# The middle


FIVE = [slide(number, 3) for number in range(1, 6)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_the_middle_is_half_way(count: int) -> None:
    sections = stack_of(FIVE[:count], ASCENDING)
    assert middle_of(sections) == len(sections) // 2


@pytest.mark.parametrize("count", [4, 5])
@pytest.mark.parametrize("side", [ASCENDING, DESCENDING])
def test_the_middle_stays_the_same_section_whatever_is_decided_about_other_slides(count: int, side: Histology) -> None:
    before = stack_of(FIVE[:count], side)
    middle = before[middle_of(before)]
    for number in (one for one in range(1, count + 1) if FIVE[one - 1].file_name.removesuffix(".czi") != middle.slide):
        for decided in ({"dropped": (1, 2)}, {"replicates": {1: 4}}, {"status": "Bad"}, {"order": {1: 2, 2: 1}}):
            slides = [slide(number, 3, **decided) if one.number == number else one for one in FIVE[:count]]  # type: ignore[arg-type]
            after = stack_of(slides, side)
            assert after[middle_of(after)].key == middle.key


def test_a_plan_takes_its_sections_from_the_scans_whose_files_are_there(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1), slide(1, rescan=2)])
    assert list(plan.section) == ["slide001_rescan2_S1", "slide001_rescan2_S2"]
    gone = plan_of(tmp_path, [slide(1), slide(1, rescan=2)], czi_files=plan.czi_files[:1])
    assert list(gone.section) == ["slide001_S1", "slide001_S2"]


# Scans that add scenes, and moved scenes


def test_a_later_scan_that_adds_scenes_follows_the_one_before_and_replaces_nothing() -> None:
    adding = replace(slide(1, 1, rescan=2), rescan_use="adds")
    first, second = ["slide001_S1", "slide001_S2"], ["slide002_S1", "slide002_S2"]
    assert stack(slide(1), adding, slide(2)) == [*first, "slide001_rescan2_S1", *second]
    assert stack(adding, slide(2), slide(1)) == [*first, "slide001_rescan2_S1", *second]


def test_a_third_scan_may_replace_the_first_while_the_second_adds() -> None:
    adding = replace(slide(1, 1, rescan=2), rescan_use="adds")
    assert stack(slide(1), adding, slide(1, rescan=3)) == [
        "slide001_rescan3_S1", "slide001_rescan3_S2", "slide001_rescan2_S1",
    ]  # fmt: skip


def moved(one: Slide, **after: str) -> Slide:
    """A slide with scenes S1, S2 ... moved behind others."""
    scenes = (replace(scene, moved_after=after.get(f"S{scene.number}", "")) for scene in one.scenes)
    return replace(one, scenes=tuple(scenes))


def test_a_moved_scene_lies_behind_the_section_that_a_person_named_and_keeps_its_key() -> None:
    assert stack(slide(1), moved(slide(2), S2="slide001_S1")) == [
        "slide001_S1", "slide002_S2", "slide001_S2", "slide002_S1",
    ]  # fmt: skip
    assert stack(slide(1, 1), moved(slide(2), S2="first")) == ["slide002_S2", "slide001_S1", "slide002_S1"]


def test_copies_move_with_their_scene_and_a_scene_is_moved_behind_the_copies_of_another() -> None:
    assert stack(moved(slide(1, replicates={1: 1}), S1="slide002_S1"), slide(2, replicates={1: 1})) == [
        "slide001_S2", "slide002_S1", "slide002_S1_copy1", "slide001_S1", "slide001_S1_copy1", "slide002_S2",
    ]  # fmt: skip


def test_what_was_moved_is_turned_over_with_the_stack() -> None:
    slides = slide(1), moved(slide(2), S2="slide001_S1")
    there, back = (stack(*slides, histology=side) for side in (ASCENDING, DESCENDING))
    assert back == there[::-1]


def test_a_scene_that_was_moved_behind_one_that_is_gone_stays_and_is_named() -> None:
    lost = moved(slide(2), S2="slide009_S1")
    assert stack(slide(1, 1), lost) == ["slide001_S1", "slide002_S1", "slide002_S2"]
    assert [(one.number, scene.number) for one, scene in lost_moves([slide(1, 1), lost])] == [(2, 2)]
    assert lost_moves([slide(1), moved(slide(2), S1="slide001_S2", S2="first")]) == ()


def test_scenes_that_follow_each_other_in_a_ring_are_all_still_there() -> None:
    ring = moved(slide(1, 3), S1="slide001_S2", S2="slide001_S1")
    assert sorted(stack(ring)) == ["slide001_S1", "slide001_S2", "slide001_S3"]
