from __future__ import annotations

import dataclasses
from io import StringIO
from pathlib import Path

import pytest
from by_hand import plan_of, run_by_hand, settings_with, slide
from rich.console import Console

from brainstack.plan import Plan
from brainstack.records import Channel, Slide
from brainstack.stamps import Stamps, Step
from brainstack.status import MOST_DISAGREEMENTS, MOST_FAILURES, MOST_RESCANS, show


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path, [slide(1), slide(2)])


def shown(plan: Plan, failed: dict[Step, str] | None = None) -> str:
    console = Console(file=StringIO(), width=200)
    show(plan, failed or {}, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def row(text: str, stage: str) -> list[str]:
    """The cells of a stage's row."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"│ {stage} ")]
    return [cell.strip() for cell in line.strip("│").split("│")][1:]


def test_before_a_run_nothing_is_done(plan: Plan) -> None:
    text = shown(plan)
    assert text.startswith("DK39: 2 slides, 4 sections\n")
    assert row(text, "Meta") == ["0/2", "", ""]
    assert row(text, "Clean") == ["", "0/4", "0/4"]
    assert "To go on: luigi --module tasks Animal --animal DK39" in text


def test_after_a_run_all_is_done(plan: Plan) -> None:
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    text = shown(plan)
    assert row(text, "Meta") == ["2/2", "", ""]
    assert row(text, "Clean") == ["", "4/4", "4/4"]
    assert row(text, "Elastix") == row(text, "PairRetry") == ["6/6", "", ""]  # 3 + 2 + 1 pairs of four sections
    assert row(text, "PairCheck") == ["1/1", "", ""]
    assert "All is done. Look at it: brainstack view DK39" in text


def test_what_is_stale_is_counted_and_what_was_never_made_is_not(plan: Plan) -> None:
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    text = shown(dataclasses.replace(plan, edits={"slide001_S1": "painted"}))
    assert row(text, "Masks") == ["0/4, 4 stale", "", ""]  # the others' may come out otherwise
    assert row(text, "Normalized") == ["", "4/4", "4/4"]


def test_of_the_scan_s_resolution_it_says_how_far_it_is_where_somebody_asked_for_it(plan: Plan) -> None:
    stamps = Stamps(plan.folder.stamps)
    run_by_hand(plan, stamps, files=True)
    assert "at the scan's resolution" not in shown(plan)
    run_by_hand(plan, stamps, files=True, asked=["FullDownsampling"])
    of_first = "channel 1 at the scan's resolution: "
    assert f"{of_first}FullImage 1/1; FullShards 1/1; FullDownsampling 1/1\n" in shown(plan)
    edited = shown(dataclasses.replace(plan, edits={"slide001_S1": "painted"}))
    assert f"{of_first}FullImage 0/1, 1 stale; FullShards 0/1, 1 stale; FullDownsampling 0/1, 1 stale\n" in edited
    assert "luigi --module tasks Animal --animal DK39 --resolution full\n" in edited


def test_what_failed_is_counted_and_said_with_what_it_holds_up(plan: Plan) -> None:
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    failed = {Step("Masks", 0, "slide001_S1"): "the mask [of this section] is all black"}
    text = shown(plan.without(failed), failed)
    assert row(text, "Masks") == ["3/4, 1 failed", "", ""]
    assert row(text, "Histogram")[1] == "3/4, 1 held up"
    assert "failed Masks slide001_S1: the mask [of this section] is all black" in text


def test_many_failures_are_not_all_named(plan: Plan) -> None:
    failed = {Step("Masks", 0, f"slide{number:03d}_S1"): "bad" for number in range(MOST_FAILURES + 5)}
    text = shown(plan.without(failed), failed)
    assert text.count("failed Masks") == MOST_FAILURES
    assert "and 5 more failed" in text


def test_gaps_are_counted(tmp_path: Path) -> None:
    assert "4 sections, 2 of them gaps" in shown(plan_of(tmp_path, [slide(1), slide(2, status="Bad")]))


def test_copies_are_counted(tmp_path: Path) -> None:
    text = shown(plan_of(tmp_path, [slide(1, replicates={1: 1}), slide(2, qc={2: 2})]))
    assert text.startswith("DK39: 2 slides, 5 sections, 1 of them gaps, 1 of them copies\n")


def test_of_a_slide_scanned_again_it_says_which_scan_is_used_and_how_to_change_that(tmp_path: Path) -> None:
    text = shown(plan_of(tmp_path, [slide(1), slide(1, rescan=2), slide(1, rescan=3, status="Bad"), slide(2)]))
    assert text.startswith(
        "DK39: 2 slides, 4 sections\nslide 1: DK39_slide001_rescan2.czi is used, not DK39_slide001.czi, "
        "DK39_slide001_rescan3.czi; to change that: brainstack animal set DK39 --slide 1 --rescan 2 --status Bad; "
        "where it only has the scenes that the other missed: brainstack slide DK39 1 --rescan 2 --adds\n"
    )


def test_many_slides_scanned_again_are_not_all_named(tmp_path: Path) -> None:
    text = shown(plan_of(tmp_path, [slide(number, rescan=scan) for number in range(1, 9) for scan in (1, 2)]))
    assert text.count("is used, not") == MOST_RESCANS
    assert "and 3 more slides that were scanned again" in text


def crossed(number: int, rescan: int = 1) -> Slide:
    """A slide whose second scene lies to the left of the first."""
    one = slide(number, rescan=rescan)
    first, second = one.scenes
    return dataclasses.replace(
        one, scenes=(dataclasses.replace(first, x=100, y=0), dataclasses.replace(second, x=0, y=0))
    )


@pytest.mark.parametrize(("used", "other"), [("scan", "position"), ("position", "scan")])
def test_scenes_that_lie_in_another_order_are_said_with_what_to_do(tmp_path: Path, used: str, other: str) -> None:
    settings = settings_with(slides={"scene_order": used}, tifs={"thumbnail_factor": 1})
    text = shown(plan_of(tmp_path, [crossed(1), slide(2)], settings=settings))
    command = "brainstack animal set DK39 --slide 1 --scene-order"
    assert (
        "slide 1 (DK39_slide001.czi): its scenes were scanned in the order 1, 2, but lie, row by row from the left, in "
        f'the order 2, 1; used is [slides] scene_order = "{used}"; say which is right: {command} {used} to keep it, '
        f"or {command} {other}\n"
    ) in text


def test_of_a_slide_scanned_again_the_scan_in_use_is_put_in_order(tmp_path: Path) -> None:
    text = shown(plan_of(tmp_path, [crossed(1), crossed(1, rescan=2)]))
    assert text.count("were scanned in the order") == 1
    assert "slide 1 (DK39_slide001_rescan2.czi)" in text
    assert "animal set DK39 --slide 1 --rescan 2 --scene-order scan" in text


def test_many_slides_in_another_order_are_not_all_named(tmp_path: Path) -> None:
    text = shown(plan_of(tmp_path, [crossed(number) for number in range(1, MOST_DISAGREEMENTS + 4)]))
    assert text.count("were scanned in the order") == MOST_DISAGREEMENTS
    assert "and 3 more slides whose scenes lie in another order" in text


def test_slides_whose_places_are_not_known_yet_are_said_where_these_matter(tmp_path: Path) -> None:
    slides = [slide(1), slide(2), crossed(3)]
    settings = settings_with(slides={"scene_order": "position"}, tifs={"thumbnail_factor": 1})
    words = "of 2 slides (DK39_slide001.czi and others) it is not known yet where the scenes lie"
    assert words in shown(plan_of(tmp_path, slides, settings=settings))
    assert words not in shown(plan_of(tmp_path, slides))


def test_names_with_brackets_are_shown_as_they_are(tmp_path: Path) -> None:
    channels = (Channel(1, "AF[red]"), Channel(2, "[/x]"))
    text = shown(plan_of(tmp_path, [dataclasses.replace(slide(1), channels=channels)]))
    assert "1 AF[red]" in text
    assert "2 [/x]" in text


def test_before_the_slides_are_read_there_is_only_their_metadata_to_make(plan: Plan) -> None:
    records = dataclasses.replace(plan.records, slides=())
    text = shown(dataclasses.replace(plan, records=records))
    assert text.startswith("DK39: 2 slides, 0 sections\n")
    assert row(text, "Meta") == ["0/2"]
    assert "Clean" not in text


def test_what_a_scan_is_warned_of_is_said_once_for_all_slides_that_share_it(tmp_path: Path) -> None:
    several = [dataclasses.replace(slide(number), warnings=("it has 3 focal planes",)) for number in (1, 2)]
    other = dataclasses.replace(slide(3), warnings=("its metadata speak of 3 scenes, and 2 are there",))
    text = shown(plan_of(tmp_path, [*several, other]))
    assert "2 slides (DK39_slide001.czi and others): it has 3 focal planes\n" in text
    assert "DK39_slide003.czi: its metadata speak of 3 scenes, and 2 are there\n" in text
