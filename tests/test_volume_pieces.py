"""The pieces of volumes: which there are, what each is made from, and what is made again after a change."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from by_hand import StampsInMemory, plan_of, run_by_hand, settings_with, slide, stages_made

from brainstack.plan import Plan
from brainstack.records import Channel, Slide
from brainstack.settings import Settings
from brainstack.stages import ASKED_FOR
from brainstack.stamps import Stamps, Step
from brainstack.volume_pieces import group_count, groups_of_piece, slab_depth, slab_keys

FOUR = (slide(1), slide(2), slide(3), slide(4))
"""Eight sections of 60 x 40 pixels."""
DEEP = {"chunk_size": (16, 16, 3), "block_px": 16, "group_px": 32}
"""Slabs of three sections: 0 to 2, 3 to 5, 6 and 7. A canvas like the scans has 2 x 2 groups."""
SLABS, GROUPS = ("000", "001", "002"), ("000", "001", "002", "003")
CHANNELS = (1, 2)
FULL = ("FullMasks", "FullClean", "FullAlignment", "FullDownsampling")
"""All that is asked for, with all that it needs."""
VOLUME = {"FullInfo", "FullSlab", "FullImage", "FullShards", "FullDownsampling"}


def key(number: int) -> str:
    """The section that has this number in FOUR, from 0."""
    return f"slide{number // 2 + 1:03d}_S{number % 2 + 1}"


def settings_of(**tables: dict[str, Any]) -> Settings:
    return settings_with(
        **{"tifs": {"thumbnail_factor": 1}} | tables | {"neuroglancer": DEEP | tables.get("neuroglancer", {})}
    )


def volume_plan(root: Path, slides: tuple[Slide, ...] = FOUR, **others: Any) -> Plan:
    return plan_of(root, slides, settings=settings_of(), **others)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return volume_plan(tmp_path)


@pytest.fixture
def stamps(plan: Plan) -> Stamps:
    """All is made, at the scan's resolution too."""
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps, asked=FULL)
    return stamps


def of_slabs(*slabs: str) -> set[Step]:
    """What is made of a volume at the scan's resolution when these slabs are others: they, and what joins all."""
    every = set()
    for channel in CHANNELS:
        every |= {Step("FullSlab", channel, slab) for slab in slabs}
        every |= {Step("FullImage", channel, f"{slab}.{group}") for slab in slabs for group in GROUPS}
        every |= {Step("FullShards", channel, group) for group in GROUPS}
        every.add(Step("FullDownsampling", channel))
    return every


def of_volume(made: list[Step]) -> set[Step]:
    """Those of the volume at the scan's resolution."""
    return {step for step in made if step.stage in VOLUME}


def slabs_of_thumbnails(made: list[Step]) -> set[str]:
    return {step.item for step in made if step.stage == "NeuroglancerImage"}


def infos(stage: str = "FullInfo") -> set[Step]:
    return {Step(stage, channel) for channel in CHANNELS}


# Which pieces there are


def test_a_slab_has_as_many_sections_as_a_chunk_is_deep(plan: Plan) -> None:
    assert plan.steps("NeuroglancerImage") == tuple(
        Step("NeuroglancerImage", channel, slab) for channel in CHANNELS for slab in SLABS
    )
    keys = [slab_keys(plan, number) for number in range(3)]
    assert keys == [[key(0), key(1), key(2)], [key(3), key(4), key(5)], [key(6), key(7)]]


def test_a_chunk_is_no_deeper_than_the_volume(tmp_path: Path) -> None:
    shipped = plan_of(tmp_path, FOUR)
    assert slab_depth(shipped) == 8
    assert [step.item for step in shipped.steps("NeuroglancerImage")] == ["000", "000"]


def test_a_gap_keeps_its_slot_in_its_slab(tmp_path: Path) -> None:
    plan = volume_plan(tmp_path, (FOUR[0], slide(2, qc={2: 1}), *FOUR[2:]))
    assert slab_keys(plan, 1) == [key(4), key(5)]
    assert slab_keys(plan, 2) == [key(6), key(7)]


def test_a_real_animal_has_a_hundred_pieces_a_channel(tmp_path: Path) -> None:
    """440 sections are 7 slabs of 64, the last of 56; 74,500 x 39,500 pixels are 5 x 3 groups of 16,384."""
    large = [
        dataclasses.replace(
            one, scenes=tuple(dataclasses.replace(scene, width=74500, height=39500) for scene in one.scenes)
        )
        for one in (slide(number, 4) for number in range(1, 111))
    ]
    plan = plan_of(tmp_path, large)
    assert len(plan.sections) == 440
    of_channel = {
        stage: Counter(step.channel for step in plan.asked(stage) or plan.steps(stage))
        for stage in ("NeuroglancerImage", "FullSlab", "FullImage", "FullShards")
    }
    assert of_channel == {
        "NeuroglancerImage": {1: 7, 2: 7}, "FullSlab": {1: 7, 2: 7}, "FullImage": {1: 105, 2: 105},
        "FullShards": {1: 15, 2: 15},
    }  # fmt: skip


@pytest.mark.parametrize("groups", [1, 3, 4, 5, 9])
def test_the_pieces_take_each_group_of_the_volume_once(groups: int) -> None:
    """However many groups the canvas has in truth."""
    taken = [group for piece in range(4) for group in groups_of_piece(piece, 4, groups)]
    assert sorted(taken) == list(range(groups))


def test_without_a_section_there_is_no_piece(tmp_path: Path) -> None:
    plan = volume_plan(tmp_path, (slide(1, status="Bad"),))
    assert len(plan.sections) == 2
    for stage in ("NeuroglancerInfo", "NeuroglancerImage", "Downsampling"):
        assert plan.steps(stage) == ()
    for stage in ASKED_FOR:
        assert plan.asked(stage) == ()


# What a piece is made from


def test_a_group_of_a_slab_waits_for_the_layout_and_its_slab_only(plan: Plan) -> None:
    """Behind one barrier a slab, not a dependency for each block and section."""
    for slab in SLABS:
        inputs = [one.step for one in plan.inputs(Step("FullImage", 2, f"{slab}.003"))]
        assert inputs == [Step("FullInfo", 2), Step("FullSlab", 2, slab)]


def test_a_slab_waits_for_its_own_sections(plan: Plan) -> None:
    own = [Step("Alignment", 1, key(number)) for number in (3, 4, 5)]
    assert [one.step for one in plan.inputs(Step("FullSlab", 1, "001"))] == own
    assert {one.step for one in plan.inputs(Step("NeuroglancerImage", 1, "001"))} == {*own, Step("NeuroglancerInfo", 1)}


def test_shards_are_joined_of_all_slabs(plan: Plan) -> None:
    assert [one.step.item for one in plan.inputs(Step("FullShards", 1, "002"))] == ["000.002", "001.002", "002.002"]
    *shards, info = plan.inputs(Step("FullDownsampling", 1))
    assert [one.step for one in shards] == [Step("FullShards", 1, item) for item in GROUPS]
    assert (info.step, info.part) == (Step("FullInfo", 1), "levels")
    *slabs, info = plan.inputs(Step("Downsampling", 1))
    assert [one.step for one in slabs] == [Step("NeuroglancerImage", 1, item) for item in SLABS]
    assert (info.step, info.part) == (Step("NeuroglancerInfo", 1), "levels")


def test_what_only_somebody_asks_for_is_made_by_no_run_itself(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    assert not stages_made(run_by_hand(plan, stamps)) & ASKED_FOR
    made = run_by_hand(plan, stamps, asked=["FullDownsampling"])
    assert stages_made(made) == VOLUME
    assert of_volume(made) == of_slabs(*SLABS) | infos()
    assert run_by_hand(plan, stamps, asked=["FullDownsampling"]) == []


# What failed


def test_a_section_that_failed_is_left_out_of_its_slab(plan: Plan) -> None:
    after = plan.without([Step("Alignment", 1, key(4))])
    for stage in ("FullSlab", "NeuroglancerImage"):
        read = [one.step.item for one in after.inputs(Step(stage, 1, "001")) if one.step.item]
        assert read == [key(3), key(5)]


def test_a_slab_whose_sections_all_failed_is_empty_and_holds_up_no_other(plan: Plan) -> None:
    """Such as the last section of an animal, where it has a slab for itself."""
    after = plan.without([Step("Alignment", 1, key(number)) for number in (6, 7)])
    assert after.inputs(Step("FullSlab", 1, "002")) == ()
    assert [one.step for one in after.inputs(Step("NeuroglancerImage", 1, "002"))] == [Step("NeuroglancerInfo", 1)]
    assert not any(after.is_blocked(Step(stage, 1)) for stage in ("Downsampling", "FullDownsampling"))


def test_a_slab_of_gaps_alone_is_empty(tmp_path: Path) -> None:
    plan = volume_plan(tmp_path, (*FOUR[:3], slide(4, status="Bad")))
    assert plan.inputs(Step("FullSlab", 1, "002")) == ()
    assert not plan.is_blocked(Step("FullDownsampling", 1))


def test_a_channel_of_which_nothing_could_be_made_has_no_volume(plan: Plan) -> None:
    failed = [Step("Tifs", 2, name) for name in plan.slides]
    after = plan.without(failed)
    for stage in ("Downsampling", "FullDownsampling"):
        assert after.blocked_by(Step(stage, 2)) == failed[0]
        assert not after.is_blocked(Step(stage, 1))


# What is made again


def test_an_edited_section_redoes_its_slab_and_nothing_of_others(plan: Plan, stamps: Stamps) -> None:
    edited = dataclasses.replace(plan, edits={key(4): "painted"})
    made = run_by_hand(edited, stamps, other={Step("Masks", 0, key(4)): "another mask"}, asked=FULL)
    assert of_volume(made) == of_slabs("001")
    assert slabs_of_thumbnails(made) == {"001"}
    for stage in ("FullMasks", "FullClean", "FullAlignment"):
        assert {step.item for step in made if step.stage == stage} == {key(4)}


def test_another_canvas_redoes_all(plan: Plan, stamps: Stamps) -> None:
    edited = dataclasses.replace(plan, edits={key(4): "painted"})
    larger = {Step("Masks", 0, key(4)), Step("Canvas"), Step("Transforms"), *infos(), *infos("NeuroglancerInfo")}
    made = run_by_hand(edited, stamps, other=dict.fromkeys(larger, "larger"), asked=FULL)
    assert of_volume(made) == of_slabs(*SLABS) | infos()
    assert slabs_of_thumbnails(made) == {*SLABS}
    assert {step.item for step in made if step.stage == "FullAlignment"} == set(plan.section)


def test_a_dropped_section_redoes_its_slab_and_those_behind_it(plan: Plan, stamps: Stamps) -> None:
    """Where the layout comes out as before but for its number of sections."""
    fewer = volume_plan(plan.folder.root.parent, (FOUR[0], slide(2, qc={2: 3}), *FOUR[2:]))
    made = run_by_hand(fewer, stamps, asked=FULL)
    assert of_volume(made) == of_slabs("001", "002") | infos()
    assert slabs_of_thumbnails(made) == {"001", "002"}


def test_a_section_dropped_at_the_end_leaves_the_slabs_before_it(plan: Plan, stamps: Stamps) -> None:
    fewer = volume_plan(plan.folder.root.parent, (*FOUR[:3], slide(4, qc={2: 3})))
    made = run_by_hand(fewer, stamps, asked=FULL)
    assert of_volume(made) == of_slabs("002") | infos()
    assert slabs_of_thumbnails(made) == {"002"}


def test_a_gap_redoes_its_slab_and_leaves_the_others_alone(plan: Plan, stamps: Stamps) -> None:
    gap = volume_plan(plan.folder.root.parent, (FOUR[0], slide(2, qc={2: 2}), *FOUR[2:]))
    made = run_by_hand(gap, stamps, asked=FULL)
    assert of_volume(made) == of_slabs("001")
    assert slabs_of_thumbnails(made) == {"001"}
    assert of_volume(run_by_hand(dataclasses.replace(plan), stamps, asked=FULL)) == of_slabs("001"), "taken back"


def test_a_section_that_moved_redoes_its_slab(plan: Plan, stamps: Stamps) -> None:
    stamp = stamps.read(Step("Transforms"))
    assert stamp is not None
    stamps.write(Step("Transforms"), dataclasses.replace(stamp, values={**stamp.values, key(7): "elsewhere"}))
    made = run_by_hand(plan, stamps, asked=FULL)
    assert of_volume(made) == of_slabs("002")
    assert not [step for step in made if step.stage == "FullClean"]


def test_another_layout_redoes_the_volume_and_no_section(plan: Plan, stamps: Stamps) -> None:
    changed = dataclasses.replace(plan, settings=settings_of(neuroglancer={"gzip": True}))
    other = dict.fromkeys([*infos(), *infos("NeuroglancerInfo")], "other")
    made = run_by_hand(changed, stamps, other=other, asked=FULL)
    assert of_volume(made) == infos() | {step for step in of_slabs(*SLABS) if step.stage != "FullSlab"}
    assert stages_made(made) - VOLUME == {"NeuroglancerInfo", "NeuroglancerImage", "Downsampling"}
    assert slabs_of_thumbnails(made) == {*SLABS}


def test_deeper_chunks_make_other_slabs(plan: Plan, stamps: Stamps) -> None:
    changed = dataclasses.replace(plan, settings=settings_of(neuroglancer={"chunk_size": (16, 16, 4)}))
    assert [step.item for step in changed.steps("NeuroglancerImage")] == ["000", "001"] * 2
    made = run_by_hand(changed, stamps, asked=FULL)
    assert of_volume(made) == of_slabs("000", "001") | infos()
    assert slabs_of_thumbnails(made) == {"000", "001"}


def test_the_outline_at_the_scan_s_resolution_redoes_nothing_of_thumbnails(plan: Plan, stamps: Stamps) -> None:
    changed = dataclasses.replace(plan, settings=settings_of(full_masks={"smoothing_px": 2.0}))
    made = run_by_hand(changed, stamps, asked=FULL)
    assert stages_made(made) == {*FULL, "FullSlab", "FullImage", "FullShards"}
    assert of_volume(made) == of_slabs(*SLABS)


def test_white_counts_only_where_the_volume_has_fewer_bits_than_the_scans(plan: Plan, stamps: Stamps) -> None:
    images = {"NeuroglancerImage", "Downsampling", "FullImage", "FullShards", "FullDownsampling"}
    brighter = {"gain": {"target": 0.5}}
    raw = dataclasses.replace(plan, settings=settings_of(**brighter))
    assert not stages_made(run_by_hand(raw, stamps, asked=FULL)) & images
    jpeg = dataclasses.replace(plan, settings=settings_of(neuroglancer={"encoding": "jpeg"}))
    run_by_hand(jpeg, stamps, asked=FULL)
    both = dataclasses.replace(plan, settings=settings_of(neuroglancer={"encoding": "jpeg"}, **brighter))
    made = stages_made(run_by_hand(both, stamps, asked=FULL))
    assert made >= images
    assert "FullSlab" not in made


def test_of_scans_in_8_bit_jpeg_narrows_nothing(tmp_path: Path) -> None:
    grey = [dataclasses.replace(one, pixel_type="Gray8") for one in FOUR]
    plan = plan_of(tmp_path, grey, settings=settings_of(neuroglancer={"encoding": "jpeg"}))
    assert plan.pixel_type == "uint8"
    assert not plan.is_narrowed
    assert dataclasses.replace(volume_plan(tmp_path), settings=plan.settings).is_narrowed


# In colour


def in_colour(one: Slide) -> Slide:
    return dataclasses.replace(one, pixel_type="Bgr24", channels=(Channel(1, "RGB"),))


def test_another_white_of_the_glass_redoes_a_slab_of_gaps_too(tmp_path: Path) -> None:
    """Where no section is, the volume is as white as the glass."""
    slides = [in_colour(one) for one in (*FOUR[:3], slide(4, status="Bad"))]
    plan, stamps = plan_of(tmp_path, slides, settings=settings_of()), StampsInMemory(tmp_path)
    run_by_hand(plan, stamps, asked=FULL)
    approved = dataclasses.replace(plan, approved={"white_point_C1": {"white": [240, 235, 220]}})
    made = run_by_hand(approved, stamps, asked=FULL)
    assert of_volume(made) == {step for step in of_slabs(*SLABS) if step.channel == 1}
    assert slabs_of_thumbnails(made) == {*SLABS}


def test_a_volume_in_colour_is_laid_out_otherwise_than_one_of_8_bit_grey(tmp_path: Path) -> None:
    kinds = [[dataclasses.replace(one, pixel_type="Gray8") for one in FOUR], [in_colour(one) for one in FOUR]]
    grey, colour = (plan_of(tmp_path, slides, settings=settings_of()) for slides in kinds)
    for step in (Step("NeuroglancerInfo", 1), Step("FullInfo", 1)):
        assert grey.own_ingredients(step) != colour.own_ingredients(step)


# How many pieces


def of_size(one: Slide, width: int, height: int) -> Slide:
    first, *others = one.scenes
    return dataclasses.replace(one, scenes=(dataclasses.replace(first, width=width, height=height), *others))


def test_the_largest_scan_says_how_many_pieces_there_are_and_as_a_gap_too(tmp_path: Path) -> None:
    """Else marking one section as bad would make everything again."""
    large = of_size(slide(2, qc={}), 90, 60)
    assert group_count(volume_plan(tmp_path, (FOUR[0], large, *FOUR[2:]))) == 3 * 2
    for bad in (of_size(slide(2, qc={1: 1}), 90, 60), dataclasses.replace(large, status="Bad")):
        assert group_count(volume_plan(tmp_path, (FOUR[0], bad, *FOUR[2:]))) == 3 * 2


def test_another_number_of_pieces_redoes_them_all(plan: Plan, stamps: Stamps) -> None:
    """Each takes other groups of the canvas then, though the canvas and the other sections are as they were."""
    more = volume_plan(plan.folder.root.parent, (*FOUR, of_size(slide(5), 90, 60)))
    made = of_volume(run_by_hand(more, stamps, asked=FULL))
    assert made >= {Step("FullImage", 1, f"{slab}.{number:03d}") for slab in SLABS for number in range(6)}
    assert made >= {Step("FullShards", 1, f"{number:03d}") for number in range(6)}
    assert Step("FullSlab", 1, "000") not in made
