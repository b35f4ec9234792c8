from __future__ import annotations

import dataclasses
from io import StringIO
from pathlib import Path

import pytest
from by_hand import plan_of, run_by_hand, settings_with, slide
from rich.console import Console

from brainstack.approval import in_force
from brainstack.errors import BrainstackError
from brainstack.plan import Plan
from brainstack.progress import Progress
from brainstack.stages import STAGES
from brainstack.stamps import Stamp, Stamps, Step, digest
from brainstack.status_of_section import show_section
from brainstack.why import NextRun, sentences

FIRST, SECOND = "slide001_S1", "slide001_S2"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path, [slide(1), slide(2)])


@pytest.fixture
def stamps(plan: Plan) -> Stamps:
    """Four sections in two channels, all done."""
    stamps = Stamps(plan.folder.stamps)
    run_by_hand(plan, stamps, files=True)
    return stamps


def summary(plan: Plan, stamps: Stamps) -> list[str]:
    return NextRun(Progress(plan, stamps)).summary()


def why(plan: Plan, stamps: Stamps, step: Step) -> str:
    return sentences(NextRun(Progress(plan, stamps)).outlook(step))


def with_settings(plan: Plan, **tables: dict[str, object]) -> Plan:
    return dataclasses.replace(plan, settings=settings_with(tifs={"thumbnail_factor": 1}, **tables))


# Four sections have six pairs, as pairs reach over three.
AFTER_THE_PAIRS = [
    "perhaps: PairCheck 1, PairRetry 6 (if Elastix comes out differently)",
    "perhaps: Transforms 1 (if PairCheck comes out differently)",
    "perhaps: AlignmentPictures 1, NeuroglancerInfo 2, Shell 1 (if Transforms comes out differently)",
]
AFTER_THE_CANVAS = [
    "perhaps: PairCheck 1 (if Canvas comes out differently)",
    "perhaps: PairRetry 6 (if Elastix comes out differently)",
    "perhaps: Transforms 1 (if PairCheck comes out differently)",
    "perhaps: AlignmentPictures 1, NeuroglancerInfo 2, Shell 1 (if Transforms comes out differently)",
    "perhaps: Web 4, NeuroglancerImage 2 (if Alignment comes out differently)",
    "perhaps: Downsampling 2 (if NeuroglancerInfo comes out differently)",
]


def test_when_all_is_done_the_next_run_makes_nothing(plan: Plan, stamps: Stamps) -> None:
    assert summary(plan, stamps) == []


def test_before_the_first_run_all_was_never_made(plan: Plan) -> None:
    (line,) = summary(plan, Stamps(plan.folder.stamps))
    assert line.startswith("next run: Meta 2, Tifs 4, UpdateTifs 1, Preps 1, Normalized 8, ")
    assert line.endswith("Shell 1 (never made)")


def test_a_setting_is_told_with_both_values_and_what_may_follow(plan: Plan, stamps: Stamps) -> None:
    before = plan.settings.gain.target
    changed = with_settings(plan, gain={"target": 0.5})
    assert summary(changed, stamps) == [
        f"next run: Gain 2, ChannelHistogram 2, Web 4 (setting [gain] target changed from {before} to 0.5)",
        "perhaps: HistogramPicture 8 (if ChannelHistogram comes out differently)",
        "perhaps: Clean 8 (if Gain comes out differently)",
        "perhaps: Elastix 6, Alignment 8 (if Clean comes out differently)",
        *AFTER_THE_PAIRS,
        "perhaps: NeuroglancerImage 2 (if Alignment comes out differently)",
        "perhaps: Downsampling 2 (if NeuroglancerInfo comes out differently)",
    ]


def test_a_mask_that_was_painted_is_told_and_what_hangs_on_it(plan: Plan, stamps: Stamps) -> None:
    edited = dataclasses.replace(plan, edits={FIRST: "painted"})
    assert summary(edited, stamps) == [
        "next run: MaskSearch 1, MaskProposal 1, Masks 1 (the mask a person made changed)",
        "perhaps: MaskCheck 1 (if MaskSearch comes out differently)",
        "perhaps: MaskProposal 3, MaskAreas 1 (if MaskCheck comes out differently)",
        "perhaps: Masks 3 (if MaskProposal comes out differently)",
        "perhaps: Histogram 8, Canvas 1, Clean 8 (if Masks comes out differently)",
        "perhaps: Gain 2, HistogramPicture 8 (if Histogram comes out differently)",
        "perhaps: ChannelHistogram 2 (if Gain comes out differently)",
        "perhaps: Elastix 6, Alignment 8 (if Clean comes out differently)",
        *AFTER_THE_CANVAS,
    ]
    painted = 'will be made: the mask a person made changed from none to "painted"'
    assert why(edited, stamps, Step("Masks", 0, FIRST)) == painted


def test_a_dropped_section_is_told_by_how_many_are_gathered(plan: Plan, stamps: Stamps, tmp_path: Path) -> None:
    fewer = plan_of(tmp_path, [slide(1, qc={1: 3}), slide(2)])
    assert summary(fewer, stamps) == [
        "next run: Preps 1, MaskAreas 1, AlignmentPictures 1, Shell 1 (the order of sections changed)",
        "next run: MaskCheck 1 (the depths of sections changed)",
        "next run: Gain 2, ChannelHistogram 2 (it is made from 3 Histogram, before from 4)",
        "next run: Canvas 1 (it is made from 3 Masks, before from 4)",
        "next run: PairCheck 1, Transforms 1 (the sections to be aligned changed)",
        "next run: NeuroglancerInfo 2 (the number of slots changed)",
        "next run: NeuroglancerImage 2 (the order of the slab's sections changed)",
        "next run: Downsampling 2 (NeuroglancerImage is made again)",
        "perhaps: MaskProposal 3 (if MaskCheck comes out differently)",
        "perhaps: Masks 3 (if MaskProposal comes out differently)",
        "perhaps: Histogram 6, Clean 6 (if Masks comes out differently)",
        "perhaps: HistogramPicture 6 (if Histogram comes out differently)",
        "perhaps: Elastix 3, Alignment 6 (if Clean comes out differently)",
        "perhaps: PairRetry 3 (if Elastix comes out differently)",
        "perhaps: Web 3 (if Alignment comes out differently)",
    ]


def test_a_new_version_is_told(plan: Plan, stamps: Stamps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STAGES, "Normalized", dataclasses.replace(STAGES["Normalized"], version=2))
    assert summary(dataclasses.replace(plan), stamps) == [
        "next run: Normalized 8 (a new version of the stage)",
        "next run: MaskProposal 4 (Normalized is made again)",
        "perhaps: MaskAreas 1, Masks 4 (if MaskProposal comes out differently)",
        "perhaps: Histogram 8, Canvas 1, Clean 8 (if Masks comes out differently)",
        "perhaps: Gain 2, HistogramPicture 8 (if Histogram comes out differently)",
        "perhaps: ChannelHistogram 2 (if Gain comes out differently)",
        "perhaps: Elastix 6, Alignment 8 (if Clean comes out differently)",
        *AFTER_THE_CANVAS,
    ]


def test_a_lost_output_is_made_again_and_nothing_that_read_it(plan: Plan, stamps: Stamps) -> None:
    lost = plan.folder.keyed("thumbnail_cleaned", SECOND, 1)
    lost.unlink()
    assert summary(plan, stamps) == ["next run: Clean 1 (the output is missing)"]
    assert why(plan, stamps, Step("Clean", 1, SECOND)) == f"will be made: its output is missing: {lost}"
    assert why(plan, stamps, Step("Alignment", 1, SECOND)) == ""


def test_an_input_that_came_out_otherwise_is_named(plan: Plan, stamps: Stamps) -> None:
    masks = Step("Masks", 0, SECOND)
    stamp = stamps.read(masks)
    assert stamp is not None
    stamps.write(masks, dataclasses.replace(stamp, values={"": digest("other")}))
    assert why(plan, stamps, Step("Clean", 1, SECOND)).startswith(f"will be made: Masks {SECOND} came out differently")
    assert why(plan, stamps, Step("Canvas")) == "will be made: one of 4 Masks came out differently"
    assert why(plan, stamps, Step("Clean", 1, FIRST)) == (
        "may be made: if Gain channel 1 comes out differently; if Canvas comes out differently"
    )


def test_a_step_that_was_begun_and_not_finished_says_so(plan: Plan, stamps: Stamps) -> None:
    stamps.remove(Step("Web", 0, FIRST))
    assert summary(plan, stamps) == ["next run: Web 1 (it was not finished)"]


def test_what_an_earlier_brainstack_made_is_told(plan: Plan, stamps: Stamps) -> None:
    stamps.write(Step("Web", 0, FIRST), Stamp("0" * 32))
    assert "earlier brainstack" in why(plan, stamps, Step("Web", 0, FIRST))


def test_what_failed_is_tried_again_and_what_waits_for_it_may_follow(plan: Plan, tmp_path: Path) -> None:
    failed = Step("Masks", 0, FIRST)
    without, stamps = plan.without([failed]), Stamps(plan.folder.stamps)
    run_by_hand(without, stamps, files=True)
    lines = summary(without, stamps)
    assert lines[0] == "next run: Masks 1 (it failed in the last run and is tried again)"
    assert all(line.startswith("perhaps: ") for line in lines[1:])
    assert lines[1] == (
        "perhaps: Histogram 2, HistogramPicture 2, Clean 2, Elastix 3, PairRetry 3, Alignment 2, Web 1 "
        "(if Masks, which failed, can be made)"
    )
    assert "Gain 2, ChannelHistogram 2, HistogramPicture 6, Canvas 1" in lines[2]
    assert lines[2].endswith("(if what failed can be made)")


def test_slides_that_were_not_read_are_mentioned(plan: Plan) -> None:
    unread = dataclasses.replace(plan, records=dataclasses.replace(plan.records, slides=()))
    assert summary(unread, Stamps(plan.folder.stamps)) == [
        "next run: Meta 2 (never made)",
        "and all that follows from 2 slides not read yet",
    ]


def test_an_approved_gain_stops_what_follows_from_its_histograms(plan: Plan, stamps: Stamps, tmp_path: Path) -> None:
    approved = {"gain_C1": {"gain": 3.0}, "gain_C2": {"gain": 2.0}, "canvas": {"rows": 9, "columns": 8}}
    pinned = dataclasses.replace(plan, approved=approved)
    run_by_hand(pinned, stamps)
    changed = with_settings(pinned, gain={"target": 0.5})
    assert [line.partition(" (")[0] for line in summary(changed, stamps)] == [
        "next run: Gain 2, ChannelHistogram 2, Web 4",
        "perhaps: HistogramPicture 8",
    ]
    assert in_force(pinned, "gain_C1", {"gain": 5.0}) == {"gain": 3.0, "computed": {"gain": 5.0}}


def test_releasing_tells_what_may_follow(plan: Plan, stamps: Stamps) -> None:
    run_by_hand(dataclasses.replace(plan, approved={"gain_C1": {"gain": 3.0}}), stamps)
    assert summary(plan, stamps)[:2] == [
        "next run: Gain 1 (the approved gain changed)",
        "perhaps: ChannelHistogram 2, Clean 4 (if Gain comes out differently)",
    ]
    assert why(plan, stamps, Step("Gain", 1)) == "will be made: the approved gain changed from 3.0 to none"


# One section


def section_text(plan: Plan, name: str, failed: dict[Step, str] | None = None) -> list[str]:
    console = Console(file=StringIO(), width=200)
    show_section(plan, failed or {}, name, console)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("name", ["1", SECOND])
def test_a_section_is_told_step_by_step(plan: Plan, stamps: Stamps, name: str) -> None:
    assert section_text(with_settings(plan, elastix={"smoothing_um": 7.0}), name)[:6] == [
        f"section 1 of DK39: {SECOND}, scene 2 of DK39_slide001",
        "Meta DK39_slide001: done",
        "Tifs channel 1 DK39_slide001: done",
        "Tifs channel 2 DK39_slide001: done",
        f"Normalized channel 1 {SECOND}: done",
        f"Normalized channel 2 {SECOND}: done",
    ]


def test_a_section_s_pairs_are_told(plan: Plan, stamps: Stamps) -> None:
    text = section_text(with_settings(plan, elastix={"smoothing_um": 7.0}), SECOND)
    pairs = [line for line in text if line.startswith("Elastix")]
    before = plan.settings.elastix.smoothing_um
    ending = f"stale: will be made: setting [elastix] smoothing_um changed from {before} to 7.0"
    names = [f"{FIRST}..{SECOND}", f"{SECOND}..slide002_S1", f"{SECOND}..slide002_S2"]
    assert pairs == [f"Elastix {name}: {ending}" for name in names]


def test_what_people_decided_is_told(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path, [slide(1, qc={1: 1}), slide(2, status="Bad")], edits={SECOND: "x"}, refused={SECOND: "all black."}
    )
    assert section_text(plan, "0")[1:3] == [
        "it is a gap: its slot stays empty",
        "its scene is marked as out of focus (qc 1)",
    ]
    assert section_text(plan, "1")[1:3] == [
        "its mask was made by a person",
        "a mask that a person made cannot be used: all black.",
    ]
    assert "its slide is marked as Bad" in section_text(plan, "2")


def test_a_failure_is_told_with_its_sentence(plan: Plan, stamps: Stamps) -> None:
    failed = Step("Masks", 0, FIRST)
    stamps.remove(failed)
    text = section_text(plan.without([failed]), FIRST, {failed: "the mask [x] is all black"})
    assert f"Masks {FIRST}: failed: the mask [x] is all black: will be made: " \
           "it failed in the last run and is tried again" in text  # fmt: skip
    assert f"Clean channel 1 {FIRST}: blocked: may be made: if Masks {FIRST}, which failed, can be made" in text


def test_what_will_stay_though_something_before_it_is_made_again_says_so(plan: Plan, stamps: Stamps) -> None:
    plan.folder.keyed("thumbnail_cleaned", SECOND, 1).unlink()
    ending = "stale: stays as it is, as what it reads will come out the same"
    assert f"Alignment channel 1 {SECOND}: {ending}" in section_text(plan, SECOND)


@pytest.mark.parametrize("name", ["4", "slide009_S1"])
def test_a_section_that_is_not_there_is_refused(plan: Plan, name: str) -> None:
    with pytest.raises(BrainstackError, match=r"has no section .* a number from 0 to 3"):
        show_section(plan, {}, name, Console(file=StringIO()))
