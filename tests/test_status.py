from __future__ import annotations

import dataclasses
import json
import re
from io import StringIO
from pathlib import Path

import pytest
from by_hand import plan_of, run_by_hand, settings_with, slide
from rich.console import Console

from brainstack import as_typed
from brainstack.last_run import DONE, FAILED, KILLED, RUNNING, WAITING, begun_now, note_begun, note_ended, read_last_run
from brainstack.locking import take_lock
from brainstack.plan import Plan
from brainstack.records import Channel, Slide
from brainstack.slide_notes import MOST_DISAGREEMENTS, MOST_RESCANS
from brainstack.stages import STAGES
from brainstack.stamps import Stamps, Step
from brainstack.status import overview_of, status_of
from brainstack.status_screen import SCREEN_ROWS, show

pytestmark = pytest.mark.usefixtures("luigid_answers")


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path, [slide(1), slide(2)])


def shown(
    plan: Plan,
    failed: dict[Step, str] | None = None,
    *,
    everything: bool = False,
    width: int = 200,
    terminal: bool = False,
) -> str:
    console = Console(file=StringIO(), width=width, force_terminal=terminal, color_system=None)
    show(status_of(plan, failed or {}), console, everything=everything)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def row(text: str, stage: str) -> list[str]:
    """The cells of a stage's row in the table of all stages."""
    (line,) = [line for line in text.splitlines() if line.split()[:1] == [stage]]
    return line.split()[1:]


def stage_count(plan: Plan) -> int:
    return sum(bool(plan.steps(stage)) for stage in STAGES)


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_before_a_run_nothing_is_done(plan: Plan) -> None:
    text = shown(plan)
    assert text.startswith("DK39: 2 slides, 4 sections; channels 1 DAPI, 2 GFP\n")
    assert f"{stage_count(plan)} of {stage_count(plan)} stages to begin" in lines(text)
    assert "To go on: luigi --module tasks Animal --animal DK39" in text
    table = shown(plan, everything=True)
    assert row(table, "Meta") == ["0/2"]
    assert row(table, "Clean") == ["0/4", "0/4"]


def test_after_a_run_all_stages_are_one_line(plan: Plan) -> None:
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    text = shown(plan)
    assert f"{stage_count(plan)} of {stage_count(plan)} stages done" in lines(text)
    assert "All is done. Look at it: brainstack view DK39" in text
    table = shown(plan, everything=True)
    assert row(table, "Meta") == ["2/2"]
    assert row(table, "Clean") == ["4/4", "4/4"]
    assert row(table, "Elastix") == row(table, "PairRetry") == ["6/6"]  # 3 + 2 + 1 pairs of four sections


def test_what_is_stale_comes_with_its_command_and_its_reason_before_the_stages(plan: Plan) -> None:
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    edited = dataclasses.replace(plan, edits={"slide001_S1": "painted"})
    stale = overview_of(edited, {}).count("stale")
    found = lines(shown(edited))
    first = next(place for place, line in enumerate(found) if line.startswith("stale: "))
    assert found[first].startswith(f"stale: {stale} of ")
    assert found[first].endswith("luigi --module tasks Animal --animal DK39")
    assert "(the mask a person made changed)" in found[first + 1]
    assert first < next(place for place, line in enumerate(found) if line.endswith("stages done"))
    masks = next(line for line in found if "Masks" in line and "4 stale: " in line)
    assert masks.startswith("0/4 done, 4 stale: ")  # the others' may come out otherwise


def test_what_only_follows_is_counted_and_named_where_all_is_asked_for(plan: Plan) -> None:
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    edited = dataclasses.replace(plan, edits={"slide001_S1": "painted"})
    assert "if Clean comes out differently" not in shown(edited)
    assert "and what follows from that: " in shown(edited)
    assert "if Clean comes out differently" in shown(edited, everything=True)


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


def test_what_failed_comes_first_whole_with_what_mends_it_and_what_it_holds_up(plan: Plan) -> None:
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    failed = {Step("Clean", 1, "slide001_S2"): "the section [of this animal] does not fit"}
    found = lines(shown(plan.without(failed), failed))
    assert found[1] == "failed Clean channel 1 slide001_S2 (section 1): the section [of this animal] does not fit"
    assert found[2] == "or leave it out: brainstack slide DK39 1 --scene 2 --bad WHY"
    assert "channel 1 3/4 done, 1 failed; channel 2 4/4 done: Clean" in found
    assert "To go on, once that is mended: luigi --module tasks Animal --animal DK39" in found


def test_many_failures_are_cut_with_the_command_that_shows_the_rest(plan: Plan) -> None:
    """A usual animal fills no more than a screen, whatever is wrong with it."""
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    slides = [slide(number) for number in range(1, 60)]
    other = dataclasses.replace(plan_of(plan.folder.root.parent, slides), edits={"slide001_S1": "painted"})
    failed = {Step("Masks", 0, key): "its mask is all black; " + "paint the tissue " * 15 for key in other.section}
    text = shown(other.without(failed), failed, width=120, terminal=True)
    count = text.count("failed Masks")
    assert 1 < count < len(failed)
    assert f"and {len(failed) - count} more that failed: brainstack status DK39 --all" in text
    assert len(text.splitlines()) <= SCREEN_ROWS
    assert shown(other.without(failed), failed, everything=True).count("failed Masks") == len(failed)


def test_a_command_is_never_broken(plan: Plan) -> None:
    failed = {Step("Meta", 0, "DK39_slide001"): "is cut off " * 20}
    text = shown(plan.without(failed), failed, width=40, terminal=True)
    assert "or leave it out: brainstack slide DK39 1 --bad WHY\n" in text
    assert max(len(line) for line in text.splitlines() if "cut off" in line) <= 40


def test_what_failed_and_is_not_to_be_made_any_more_is_not_told(plan: Plan) -> None:
    assert status_of(plan, {Step("Tifs", 1, "DK39_slide009"): "is cut off"}).overview.failed == ()


def test_a_mask_of_a_person_that_cannot_be_used_has_failed_before_any_run_says_so(plan: Plan) -> None:
    (trouble,) = overview_of(dataclasses.replace(plan, refused={"slide001_S2": "too small"}), {}).failed
    assert (trouble.step.stage, trouble.number, trouble.sentence) == ("Masks", 1, "too small")
    assert trouble.command == "brainstack review DK39"


# The last run


def test_how_the_last_run_ended_is_said(plan: Plan) -> None:
    run = note_begun(plan.folder, begun_now(plan.folder.log("x")))
    assert overview_of(plan, {}).outcome == KILLED  # nobody holds the lock
    with take_lock(plan.folder):
        assert overview_of(plan, {}).outcome == RUNNING
        assert "It is being run now, by process " in shown(plan)
    note_ended(plan.folder, run, FAILED, made=7, failed=2)
    assert ", 2 failed\n" in shown(plan)
    note_ended(plan.folder, run, DONE, made=7, failed=0)
    assert ", 7 made, nothing failed\n" in shown(plan)
    note_ended(plan.folder, run, WAITING, made=7, failed=0)
    assert ", 7 made, the rest waits for masks to be approved\n" in shown(plan)
    note_ended(plan.folder, run, FAILED, made=0, failed=0)
    assert f", could not go on; why is at the end of its log: {plan.folder.log('x')}\n" in shown(plan)


def test_what_a_newer_brainstack_noted_of_a_run_is_passed_over(plan: Plan) -> None:
    run = note_begun(plan.folder, begun_now(plan.folder.log("x")))
    noted = json.loads(plan.folder.last_run.read_text())
    plan.folder.last_run.write_text(json.dumps(noted | {"mood": "good"}))
    assert read_last_run(plan.folder) == run


def test_a_step_that_is_done_since_it_failed_has_not_failed(plan: Plan) -> None:
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    overview = overview_of(plan, {Step("Clean", 1, "slide001_S2"): "does not fit"})
    assert (overview.failed, overview.state) == ((), "done")


def test_while_masks_wait_for_approval_and_nothing_else_can_be_made_people_review(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1)], settings=settings_with(review={"require": ["masks"]}))
    stamps = Stamps(plan.folder.stamps)
    assert overview_of(plan, {}).next_command == "luigi --module tasks Animal --animal DK39"
    assert "To go on: luigi --module tasks Animal --animal DK39" in shown(plan)
    run_by_hand(plan, stamps, files=True)  # as if there were approvals, which went since
    for step in [one for one in stamps.steps() if one.stage == "Clean"]:
        stamps.remove(step)
    status = status_of(plan, {})
    assert status.overview.next_command == "brainstack review DK39"
    assert {one.command for one in status.stale} == {"brainstack review DK39"}
    text = shown(plan)
    assert "; what follows waits for masks to be approved: brainstack review DK39\n" in text
    assert "To go on: brainstack review DK39\n" in text
    assert "luigi" not in text


def test_what_was_asked_for_and_is_stale_counts(plan: Plan) -> None:
    """And its command is the next, as a usual run does not make it."""
    stamps = Stamps(plan.folder.stamps)
    run_by_hand(plan, stamps, files=True, asked=["FullDownsampling"])
    assert overview_of(plan, {}).state == "done"
    plan.folder.volume(1, full=True).rename(plan.folder.root / "elsewhere")
    status = status_of(plan, {})
    command = "luigi --module tasks Animal --animal DK39 --resolution full"
    assert (status.overview.state, status.overview.next_command) == ("stale", command)
    assert {one.command for one in status.stale} == {command}
    assert f"; to make that again: {command}\n" in shown(plan)
    assert f"To go on: {command}\n" in shown(plan)


# What to know of the slides


def test_gaps_are_counted(tmp_path: Path) -> None:
    assert "4 sections, 2 of them gaps" in shown(plan_of(tmp_path, [slide(1), slide(2, status="Bad")]))


def test_copies_are_counted(tmp_path: Path) -> None:
    text = shown(plan_of(tmp_path, [slide(1, replicates={1: 1}), slide(2, qc={2: 2})]))
    assert text.startswith("DK39: 2 slides, 5 sections, 1 of them gaps, 1 of them copies; channels 1 DAPI, 2 GFP\n")


def test_of_a_slide_scanned_again_it_says_which_scan_is_used_and_how_to_change_that(tmp_path: Path) -> None:
    text = shown(plan_of(tmp_path, [slide(1), slide(1, rescan=2), slide(1, rescan=3, status="Bad"), slide(2)]))
    assert (
        "\nslide 1: DK39_slide001_rescan2.czi is used, not DK39_slide001.czi, "
        "DK39_slide001_rescan3.czi; to change that: brainstack animal set DK39 --slide 1 --rescan 2 --status Bad; "
        "where it only has the scenes that the other missed: brainstack slide DK39 1 --rescan 2 --adds\n"
    ) in text


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
    assert "; channels 1 AF[red], 2 [/x]\n" in text


def test_before_the_slides_are_read_there_is_only_their_metadata_to_make(plan: Plan) -> None:
    records = dataclasses.replace(plan.records, slides=())
    text = shown(dataclasses.replace(plan, records=records))
    assert text.startswith("DK39: 2 slides, 0 sections\n")
    assert "and what follows from that: all of 2 slides not read yet" in text
    table = shown(dataclasses.replace(plan, records=records), everything=True)
    assert row(table, "Meta") == ["0/2"]
    assert "Clean" not in table


def test_what_a_scan_is_warned_of_is_said_once_for_all_slides_that_share_it(tmp_path: Path) -> None:
    several = [dataclasses.replace(slide(number), warnings=("it has 3 focal planes",)) for number in (1, 2)]
    other = dataclasses.replace(slide(3), warnings=("its metadata speak of 3 scenes, and 2 are there",))
    text = shown(plan_of(tmp_path, [*several, other]))
    assert "2 slides (DK39_slide001.czi and others): it has 3 focal planes\n" in text
    assert "DK39_slide003.czi: its metadata speak of 3 scenes, and 2 are there\n" in text


def test_where_no_luigid_answers_each_command_does_without_it(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(as_typed, "_answers", lambda at: False)
    stamps = Stamps(plan.folder.stamps)
    assert "To go on: luigi --module tasks Animal --animal DK39 --local-scheduler\n" in shown(plan)
    run_by_hand(plan, stamps, files=True, asked=["FullDownsampling"])
    edited = dataclasses.replace(plan, edits={"slide001_S1": "painted"})
    status = status_of(edited, {Step("Gain", 1): "a fault of brainstack"})
    text = shown(edited, {Step("Gain", 1): "a fault of brainstack"})
    commands = [one.command for one in (*status.stale, *status.overview.failed)]
    commands += re.findall(r"luigi --module .*", text)
    assert {one.split()[-1] for one in commands} == {"--local-scheduler"}
    assert len(set(commands)) > 1
