from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from by_hand import StampsInMemory, plan_of, run_by_hand, settings_with, slide, stages_made

from brainstack.errors import BrainstackError
from brainstack.plan import Plan, digest_of, section_named
from brainstack.progress import Progress
from brainstack.records import AlignmentEdit, Channel, GivenPair, Slide, Turns
from brainstack.settings import Settings, load_settings
from brainstack.slide_names import CziFile, check_slides, slide_number, slide_rescan
from brainstack.stages import ASKED_FOR, STAGES, Input
from brainstack.stamps import Stamp, Step

FOUR = (slide(1), slide(2), slide(3), slide(4))
"""Eight sections: slide001_S1 to slide004_S2."""


def key(number: int) -> str:
    """The section that has this number in FOUR, from 0."""
    return f"slide{number // 2 + 1:03d}_S{number % 2 + 1}"


def elastix(fixed: int, moving: int) -> Step:
    return Step("Elastix", 0, f"{key(fixed)}..{key(moving)}")


def pairs_of(*numbers: int) -> set[str]:
    """All pairs in which one of these is, as pairs reach over three sections."""
    near = ((i, j) for i in range(8) for j in range(i + 1, min(i + 4, 8)))
    return {elastix(i, j).item for i, j in near if {i, j} & set(numbers)}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path, FOUR)


# The order of sections


def test_sections_follow_slides_and_scenes(plan: Plan) -> None:
    assert [section.key for section in plan.sections] == [key(number) for number in range(8)]
    assert [section.number for section in plan.sections] == list(range(8))


def test_the_order_of_records_does_not_matter(tmp_path: Path) -> None:
    assert plan_of(tmp_path, reversed(FOUR)).sections == plan_of(tmp_path, FOUR).sections


def test_descending_slides_turn_the_stack_over(tmp_path: Path) -> None:
    turned = plan_of(tmp_path, FOUR, side_sectioned_first="DESC")
    assert [section.key for section in turned.sections] == [key(number) for number in reversed(range(8))]
    assert [section.number for section in turned.sections] == list(range(8))


def test_sections_lie_a_thickness_apart(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, FOUR, section_thickness_um=25.0)
    assert [section.z_um for section in plan.sections[:3]] == [0, 25, 50]


@pytest.mark.parametrize("verdict", [1, 2])
def test_a_bad_scene_is_a_gap_that_keeps_its_slot(tmp_path: Path, verdict: int) -> None:
    plan = plan_of(tmp_path, [slide(1, 3, qc={2: verdict})])
    assert [(section.key, section.number, section.gap) for section in plan.sections] == [
        ("slide001_S1", 0, False),
        ("slide001_S2", 1, True),
        ("slide001_S3", 2, False),
    ]
    assert list(plan.section) == ["slide001_S1", "slide001_S3"]


def test_a_bad_slide_is_all_gaps(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1), slide(2, status="Bad"), slide(3)])
    assert [section.gap for section in plan.sections] == [False, False, True, True, False, False]


def test_a_scene_after_the_end_of_the_tissue_was_never_a_section(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, qc={2: 3}), slide(2)])
    assert [section.key for section in plan.sections] == ["slide001_S1", "slide002_S1", "slide002_S2"]
    assert [section.z_um for section in plan.sections] == [0, 20, 40]


def test_keys_and_scenes_stay_when_the_order_changes(tmp_path: Path) -> None:
    before = {one.key: (one.slide, one.scene, one.scene_index) for one in plan_of(tmp_path, FOUR).sections}
    others = (slide(1, qc={1: 3}), *FOUR[1:])
    after = plan_of(tmp_path, others, side_sectioned_first="DESC").sections
    assert len(after) == 7
    assert all(before[one.key] == (one.slide, one.scene, one.scene_index) for one in after)


def test_a_slide_whose_file_is_gone_has_no_sections(plan: Plan) -> None:
    fewer = dataclasses.replace(plan, czi_files=plan.czi_files[:1])
    assert list(fewer.section) == [key(0), key(1)]
    assert list(fewer.slides) == ["DK39_slide001"]


def test_channels_are_those_of_all_slides(tmp_path: Path) -> None:
    more = dataclasses.replace(slide(2), channels=(Channel(1, "DAPI"), Channel(3, "Cy5")))
    assert [one.number for one in plan_of(tmp_path, [slide(1), more]).channels] == [1, 2, 3]


def test_an_animal_whose_pixels_have_no_size_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BrainstackError, match="animal set DK39 --pixel-size-um"):
        _ = plan_of(tmp_path, FOUR, resolution_um=None).pixel_size_um


# Slides' names


@pytest.mark.parametrize(
    ("name", "number"), [("DK39_slide058.czi", 58), ("x_ID_0002_slide7_b.czi", 7), ("2024_slide_012.czi", 12)]
)
def test_the_number_of_a_slide_is_in_its_name(name: str, number: int) -> None:
    assert slide_number(name, load_settings()) == number


@pytest.mark.parametrize(
    ("name", "rescan"),
    [
        ("DK39_ID_0002_slide058.czi", 1), ("DK39_slide058_rescan2.czi", 2), ("DK39_slide058-rescan_3.czi", 3),
        ("DK39_slide058_Rescan.czi", 2), ("slide058rescan10_b.czi", 10), ("slide058_rescan1.czi", 1),
        ("DK39_slide058_2.czi", 1), ("slide058_2021_07_02__0012.czi", 1), ("rescan2_slide058.czi", 1),
    ],
)  # fmt: skip
def test_a_rescan_is_said_by_that_word_behind_the_number_of_the_slide(name: str, rescan: int) -> None:
    assert slide_number(name, load_settings()) == 58
    assert slide_rescan(name, load_settings()) == rescan


def test_the_pattern_that_the_settings_name_for_bare_numbers_reads_them() -> None:
    settings = settings_with(slides={"name_pattern": r"slide(?P<number>\d+)(_(?P<rescan>[2-9]))?\.czi"})
    scans = {name: slide_rescan(name, settings) for name in ("slide058.czi", "slide058_2.czi")}
    assert scans == {"slide058.czi": 1, "slide058_2.czi": 2}


def test_a_pattern_without_rescans_knows_none() -> None:
    assert slide_rescan("slide058_rescan2.czi", settings_with(slides={"name_pattern": r"slide(?P<number>\d+)"})) == 1


def files(*names: str) -> tuple[CziFile, ...]:
    return tuple(CziFile(name, 1, 1) for name in names)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "has no .czi file"),
        (["DK39_slide001.czi", "DK39_7.czi"], "DK39_7.czi: no slide number"),
        (["a_slide003.czi", "b_slide003.czi"], "a_slide003.czi and b_slide003.czi both have slide number 3;"),
        (["a_slide003.czi", "slide003_rescan1.czi"], r"marked as in DK39_slide003_rescan2.czi"),
        (["a_slide003_rescan2.czi", "slide003_rescan.czi"], "both have slide number 3 and rescan 2; .*_rescan3.czi"),
    ],
)
def test_slides_without_an_order_are_refused(names: list[str], words: str) -> None:
    with pytest.raises(BrainstackError, match=words):
        check_slides(Path("czi"), files(*names), load_settings())


def test_a_slide_scanned_again_is_no_mistake() -> None:
    check_slides(Path("czi"), files("slide003.czi", "slide003_rescan2.czi", "slide004.czi"), load_settings())


# Who is aligned with whom


def test_each_section_is_a_pair_with_the_three_behind_it(plan: Plan) -> None:
    assert plan.settings.elastix.reach == 3
    assert plan.pairs == tuple(elastix(i, j) for i in range(8) for j in range(i + 1, min(i + 4, 8)))
    assert len(plan.pairs) == 7 + 6 + 5


@pytest.mark.parametrize(("reach", "count"), [(1, 7), (2, 7 + 6), (6, 7 + 6 + 5 + 4 + 3 + 2)])
def test_pairs_reach_as_far_as_the_setting_says(plan: Plan, reach: int, count: int) -> None:
    settings = settings_with(elastix={"reach": reach, "fine_reach": 1})
    assert len(dataclasses.replace(plan, settings=settings).pairs) == count


def test_only_pairs_near_enough_are_fine(plan: Plan) -> None:
    assert plan.settings.elastix.fine_reach == 2
    assert [plan.is_fine(elastix(0, other).item) for other in (1, 2, 3)] == [True, True, False]


@pytest.mark.parametrize(("scenes", "count"), [(1, 0), (2, 1), (3, 3)])
def test_a_stack_shorter_than_pairs_reach_has_the_pairs_that_there_are(tmp_path: Path, scenes: int, count: int) -> None:
    plan = plan_of(tmp_path, [slide(1, scenes)])
    assert len(plan.pairs) == count
    assert not plan.is_blocked(Step("Transforms"))


def test_pairs_bridge_a_gap(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, qc={2: 1}), *FOUR[1:]])
    assert plan.pairs[:3] == (elastix(0, 2), elastix(0, 3), elastix(0, 4))
    assert plan.sections[plan.chain.index(key(0))].number == 0


def test_the_anchor_is_the_section_in_the_middle_of_the_stack(plan: Plan) -> None:
    assert plan.chain[plan.anchor] == key(4)


def test_the_anchor_is_next_to_the_middle_where_that_is_a_gap(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1), slide(2), slide(3, qc={1: 1}), slide(4)])
    assert plan.chain[plan.anchor] == key(3)


def test_pairs_bridge_a_section_that_failed_and_the_anchor_stays(plan: Plan) -> None:
    after = plan.without([Step("Masks", 0, key(1))])
    assert after.pairs[:3] == (elastix(0, 2), elastix(0, 3), elastix(0, 4))
    assert len(after.pairs) == 6 + 5 + 4
    assert after.chain[after.anchor] == plan.chain[plan.anchor]


def test_the_anchor_moves_only_when_it_fails_itself(plan: Plan) -> None:
    anchors = {number: plan.without([Step("Masks", 0, key(number))]) for number in range(8)}
    assert {number: one.chain[one.anchor] for number, one in anchors.items()} == {
        number: key(3) if number == 4 else key(4) for number in range(8)
    }


def test_a_pair_that_could_not_be_made_is_left_out_and_blocks_no_section(plan: Plan) -> None:
    """Others reach over it; whether a section has a place, Transforms finds out."""
    lost = elastix(6, 7)
    after = plan.without([lost])
    for joined in ("PairCheck", "Transforms"):
        read = {one.step.item for one in after.inputs(Step(joined)) if one.step.stage in ("Elastix", "PairRetry")}
        assert read == {pair.item for pair in plan.pairs} - {lost.item}
    assert after.blocked_by(Step("PairRetry", 0, lost.item)) == lost
    assert after.chain == plan.chain
    assert not [step for step in plan.steps("Alignment") if after.is_blocked(step)]


def test_where_no_pair_could_be_made_nothing_is_aligned(plan: Plan) -> None:
    after = plan.without(plan.pairs)
    assert {after.blocked_by(step) for step in plan.steps("Alignment")} == {plan.pairs[0]}
    assert not after.is_blocked(Step("Clean", 1, key(7)))


def test_a_section_that_has_no_place_keeps_what_needs_none(plan: Plan) -> None:
    """What Transforms could not place fails in Alignment, in each channel."""
    lost = [Step("Alignment", channel, key(7)) for channel in (1, 2)]
    after = plan.without(lost)
    assert not after.is_blocked(Step("Clean", 1, key(7)))
    assert after.blocked_by(Step("Web", 0, key(7))) == lost[0]
    read = [one.step.item for one in after.inputs(Step("NeuroglancerImage", 1, "000")) if one.step.item]
    assert read == [key(number) for number in range(7)]


def test_a_section_that_cannot_be_registered_is_not_aligned_in_other_channels_either(plan: Plan) -> None:
    failed = Step("Clean", 1, key(2))
    after = plan.without([failed])
    assert after.chain == tuple(key(number) for number in range(8) if number != 2)
    assert after.blocked_by(Step("Alignment", 2, key(2))) == failed
    assert not after.is_blocked(Step("Clean", 2, key(2)))


# What failed


def test_what_follows_a_failed_section_is_blocked_and_says_by_what(plan: Plan) -> None:
    failed = Step("Masks", 0, key(1))
    after = plan.without([failed])
    for stage in ("Histogram", "Clean", "Alignment"):
        assert after.blocked_by(Step(stage, 1, key(1))) == failed
    assert after.blocked_by(Step("Web", 0, key(1))) == failed
    assert not after.is_blocked(Step("Normalized", 1, key(1)))
    assert not after.is_blocked(Step("Clean", 1, key(2)))


@pytest.mark.parametrize(
    "joined",
    [Step("Preps"), Step("UpdateTifs"), Step("Canvas"), Step("Transforms"), Step("Gain", 1), Step("Downsampling", 1)],
)
def test_a_stage_that_gathers_goes_on_without_a_failed_slide(plan: Plan, joined: Step) -> None:
    after = plan.without([Step("Tifs", 1, "DK39_slide001")])
    assert not after.is_blocked(joined)
    assert all(not after.is_blocked(one.step) for one in after.inputs(joined))


def test_a_stage_that_gathers_is_blocked_when_all_failed(plan: Plan) -> None:
    after = plan.without(plan.steps("Masks"))
    assert after.is_blocked(Step("Canvas"))
    assert after.is_blocked(Step("Transforms"))
    assert after.is_blocked(Step("NeuroglancerImage", 1, "000"))
    assert not after.chain


def test_a_failed_slide_of_one_channel_leaves_the_other_channels_pictures(plan: Plan) -> None:
    after = plan.without([Step("Tifs", 2, "DK39_slide001")])
    assert after.is_blocked(Step("Alignment", 2, key(0)))
    assert not after.is_blocked(Step("Alignment", 1, key(0)))


# Stamps

SETTINGS: dict[str, Any] = {
    "slides.name_pattern": r"slide0*(?P<number>\d)",  # other words for the same numbers
    "tifs.thumbnail_factor": 2,
    "tifs.white_share": 0.5,
    "tifs.tile_px": 256,
    "normalized.clahe_clip": 1.0,
    "masks.edge_share": 0.3,
    "mask_check.neighbours": 2,
    "train_masks.trees": 3,
    "full_masks.smoothing_px": 2.0,
    "histogram.bins": 7,
    "gain.quantile": 0.5,
    "gain.target": 0.5,
    "gain.even_limit": 3.0,
    "clean.background_um": 900.0,
    "clean.clipped_share": 0.2,
    "white_point.quantile": 0.6,
    "canvas.margin_um": 7.0,
    "elastix.smoothing_um": 7.0,
    "elastix.rigid": {"MaximumNumberOfIterations": 3},
    "pair_check.allowed_um": 90.0,
    "transforms.anchor_um": 3.0,
    "shape.held_by": "midline",
    "deformation.grid_um": 800.0,
    "alignment.interpolation": "cubic",
    "neuroglancer.chunk_size": (64, 64, 32),
    "neuroglancer.encoding": "jpeg",
    "neuroglancer.format": "sharded",
    "neuroglancer.gzip": True,
    "downsampling.smallest_side_px": 128,
    "shell.smoothing_um": 30.0,
    "meshes.error_um": 3.0,
    "points.most_in_cell": 1000,
}
WHERE_ASKED = {"PairFiner", "Midline", "Outline", "ReferencePlace", "Deformation", "NeuroglancerMesh", "PointVolume"}
"""Stages that the shipped settings do without, and those of layers that somebody has to ask for."""
ALL_BUT_META = set(STAGES) - ASKED_FOR - WHERE_ASKED - {"Meta", "WhitePoint"}
STOPPED = {"MaskCheck", "MaskAreas", "Masks", "Canvas", "PairCheck", "Transforms", "NeuroglancerInfo", "Shell"}
"""What reads only values that come out as before. PairRetry reads cleaned images, as it registers some pairs again."""

REDONE: dict[str, set[str]] = {
    "slides.name_pattern": set(),
    # Every stage reads thumbnails; where the result has a value, the same value stops what follows.
    "tifs.thumbnail_factor": ALL_BUT_META - {"MaskCheck", "MaskAreas"},
    "tifs.white_share": ALL_BUT_META - STOPPED,
    "tifs.tile_px": ALL_BUT_META - STOPPED,
    "normalized.clahe_clip": {"Normalized", "MaskProposal"},
    "masks.edge_share": {"MaskSearch", "MaskProposal"},
    "mask_check.neighbours": {"MaskCheck"},
    "train_masks.trees": set(),  # TrainMasks is made only when asked for
    "full_masks.smoothing_px": set(),  # and so is all at the scan's resolution
    "histogram.bins": {"ChannelHistogram"},
    "gain.quantile": {"Gain"},
    "gain.target": {"Gain", "ChannelHistogram", "Web"},
    "gain.even_limit": {"Gain"},
    "clean.background_um": {
        "Clean",
        "Elastix",
        "PairRetry",
        "Alignment",
        "AlignmentPictures",
        "Web",
        "NeuroglancerImage",
        "Downsampling",
    },
    "clean.clipped_share": set(),
    "white_point.quantile": set(),  # grey slides have none
    "canvas.margin_um": {"Canvas", "Transforms", "AlignmentPictures", "Shell"},
    "elastix.smoothing_um": {"Elastix", "PairRetry"},
    "elastix.rigid": {"Elastix", "PairRetry"},
    "pair_check.allowed_um": {"PairCheck", "Transforms", "AlignmentPictures", "Shell"},
    "transforms.anchor_um": {"Transforms", "AlignmentPictures", "Shell"},
    "shape.held_by": {"Midline", "Transforms", "AlignmentPictures", "Shell"},
    "deformation.grid_um": {
        "Deformation",
        "Shell",
        "Alignment",
        "AlignmentPictures",
        "Web",
        "NeuroglancerImage",
        "Downsampling",
    },
    "alignment.interpolation": {"Alignment", "AlignmentPictures", "Web", "NeuroglancerImage", "Downsampling"},
    # A volume is written again where its layout is another, not whenever it is laid out: see below.
    "neuroglancer.chunk_size": {"NeuroglancerInfo"},
    "neuroglancer.format": {"NeuroglancerInfo"},
    "neuroglancer.gzip": {"NeuroglancerInfo"},
    "neuroglancer.encoding": {"NeuroglancerInfo", "NeuroglancerImage", "Downsampling"},  # what white is, counts now
    "downsampling.smallest_side_px": {"NeuroglancerInfo", "Shell"},
    "shell.smoothing_um": {"Shell"},
    "meshes.error_um": {"Shell"},
    "points.most_in_cell": set(),  # there are no layers of points
}
"""What is made again after a change of a setting, where all results that go on by value come out as before."""


def with_setting(plan: Plan, name: str) -> Plan:
    table, _, setting = name.partition(".")
    changed = settings_with(tifs={"thumbnail_factor": 1}).model_dump()
    changed[table][setting] = SETTINGS[name]
    return dataclasses.replace(plan, settings=Settings.model_validate(changed))


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_redoes_what_uses_it_and_nothing_else(plan: Plan, name: str) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    assert stages_made(run_by_hand(with_setting(plan, name), stamps)) == REDONE[name]


def test_every_table_of_settings_is_in_the_list_above() -> None:
    apart = {"web", "review"}  # the next test; what waits for people changes no pixel
    assert {name.partition(".")[0] for name in SETTINGS} | apart == set(Settings.model_fields)


def test_another_channel_for_the_web_redoes_its_pictures(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    settings = settings_with(tifs={"thumbnail_factor": 1}, web={"channel": 2})
    assert stages_made(run_by_hand(dataclasses.replace(plan, settings=settings), stamps)) == {"Web"}


def test_another_channel_for_registration_redoes_pairs(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    settings = settings_with(tifs={"thumbnail_factor": 1}, elastix={"channel": 2})
    made = run_by_hand(dataclasses.replace(plan, settings=settings), stamps)
    assert stages_made(made) == {"Elastix", "PairRetry", "AlignmentPictures"}


# Colour


@pytest.fixture
def colour_plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path, [in_colour(one) for one in FOUR])


def in_colour(one: Slide) -> Slide:
    return dataclasses.replace(one, pixel_type="Bgr24", channels=(Channel(1, "RGB"),))


def test_slides_are_grey_unless_they_say_that_they_are_in_colour(plan: Plan, colour_plan: Plan) -> None:
    grey = [dataclasses.replace(one, pixel_type="Gray8") for one in FOUR]
    assert not plan.is_colour  # read before pixel types were kept
    assert not dataclasses.replace(plan, records=dataclasses.replace(plan.records, slides=tuple(grey))).is_colour
    assert colour_plan.is_colour


def test_a_mix_of_colour_and_grey_is_refused_and_names_a_slide_of_each(tmp_path: Path) -> None:
    mixed = plan_of(tmp_path, [FOUR[0], in_colour(FOUR[1])])
    with pytest.raises(BrainstackError, match="--status Bad") as refused:
        mixed.steps("Gain")
    assert "colour (such as DK39_slide002) and in grey (such as DK39_slide001)" in str(refused.value)


def test_a_bad_slide_of_the_other_kind_makes_no_mix(tmp_path: Path) -> None:
    bad = dataclasses.replace(FOUR[0], status="Bad")
    plan = plan_of(tmp_path, [bad, in_colour(FOUR[1])])
    assert plan.is_colour
    assert plan.channels == (Channel(1, "RGB"),)
    other = plan_of(tmp_path, [in_colour(bad), FOUR[1]])
    assert not other.is_colour
    assert [channel.name for channel in other.channels] == ["DAPI", "GFP"]


def test_colour_has_a_white_point_where_grey_has_a_gain(plan: Plan, colour_plan: Plan) -> None:
    assert plan.steps("WhitePoint") == ()
    assert colour_plan.steps("Gain") == ()
    assert colour_plan.steps("WhitePoint") == (Step("WhitePoint", 1),)
    assert {one.step.stage for one in plan.inputs(Step("Clean", 1, key(0)))} == {"Tifs", "Masks", "Gain", "Canvas"}
    assert {one.step.stage for one in colour_plan.inputs(Step("Clean", 1, key(0)))} == {
        "Tifs", "Masks", "WhitePoint", "Canvas",
    }  # fmt: skip


def test_another_white_point_redoes_every_image_with_a_background(colour_plan: Plan) -> None:
    stamps = StampsInMemory(colour_plan.folder.stamps)
    assert stages_made(run_by_hand(colour_plan, stamps)) == set(STAGES) - ASKED_FOR - WHERE_ASKED - {"Gain"}
    settings = settings_with(tifs={"thumbnail_factor": 1}, white_point={"quantile": 0.6})
    other = dataclasses.replace(colour_plan, settings=settings)
    assert stages_made(run_by_hand(other, stamps)) == {"WhitePoint"}  # it came out the same
    approved = dataclasses.replace(other, approved={"white_point_C1": {"white": [240, 235, 220]}})
    assert stages_made(run_by_hand(approved, stamps)) == {
        "WhitePoint", "ChannelHistogram", "Clean", "Elastix", "PairRetry", "Alignment", "AlignmentPictures", "Web",
        "NeuroglancerImage", "Downsampling",
    }  # fmt: skip


TURNED = {
    "Canvas", "Clean", "Elastix", "PairRetry", "Transforms", "Alignment", "AlignmentPictures", "Shell", "Web",
    "NeuroglancerImage", "Downsampling",
}  # fmt: skip

FACTS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "thickness": (
        {"section_thickness_um": 25.0},
        {"MaskCheck", "AlignmentPictures", "Shell", "NeuroglancerInfo"},  # and the volume, where its layout is another
    ),
    "turns": (
        {"rotation": 1},
        TURNED,
    ),
    "mirror": (
        {"flip": "flop"},
        TURNED,
    ),
    "pixel size": (
        {"resolution_um": 9.0},
        ALL_BUT_META - {"MaskCheck", "MaskAreas"},
    ),  # it is in the tags of every TIFF
}


@pytest.mark.parametrize("fact", FACTS)
def test_what_a_person_says_redoes_what_uses_it_and_nothing_else(tmp_path: Path, fact: str) -> None:
    plan = plan_of(tmp_path, FOUR)
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    changes, redone = FACTS[fact]
    assert stages_made(run_by_hand(plan_of(tmp_path, FOUR, **changes), stamps)) == redone


def test_a_scene_turned_by_itself_redoes_its_section_its_pairs_and_what_truly_moved(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, FOUR)
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    turned = plan_of(tmp_path, (*FOUR[:1], slide(2, turns={2: Turns(1, "flop")}), *FOUR[2:]))
    made = run_by_hand(turned, stamps)
    for stage in ("Clean", "Alignment", "Web"):
        assert {step.item for step in made if step.stage == stage} == {key(3)}
    for stage in ("Elastix", "PairRetry"):
        assert {step.item for step in made if step.stage == stage} == pairs_of(3)
    assert {step.stage for step in made if not step.item} == {
        "Canvas", "Transforms", "AlignmentPictures", "Shell", "Downsampling",
    }  # fmt: skip
    assert (turned.turns(key(3)), turned.turns(key(2))) == (Turns(1, "flop"), Turns(0, "none"))
    back = run_by_hand(plan_of(tmp_path, FOUR), stamps)
    assert {step.item for step in back if step.stage == "Clean"} == {key(3)}


def test_a_copy_is_turned_as_the_scene_that_it_is_of_and_others_as_the_animal(tmp_path: Path) -> None:
    slides = slide(1, turns={1: Turns(3, "none")}, replicates={1: 1}), slide(2)
    plan = plan_of(tmp_path, slides, rotation=1, flip="flop")
    assert {name: plan.turns(name) for name in plan.section} == {
        "slide001_S1": Turns(3, "none"), "slide001_S1_copy1": Turns(3, "none"), "slide001_S2": Turns(1, "flop"),
        "slide002_S1": Turns(1, "flop"), "slide002_S2": Turns(1, "flop"),
    }  # fmt: skip


def test_a_second_run_makes_nothing(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    assert run_by_hand(plan, stamps)
    assert run_by_hand(plan, stamps) == []


def test_a_changed_slide_redoes_its_own_sections(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    file = dataclasses.replace(plan.czi_files[0], modified_ns=2)
    made = run_by_hand(dataclasses.replace(plan, czi_files=(file, *plan.czi_files[1:])), stamps)
    assert {step.item for step in made if step.stage == "Normalized"} == {key(0), key(1)}
    for stage in ("Elastix", "PairRetry"):  # all pairs of the two
        assert {step.item for step in made if step.stage == stage} == pairs_of(0, 1)
    assert not {"PairCheck", "Transforms"} & stages_made(made)


def test_another_number_of_a_slide_redoes_its_metadata(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    settings = settings_with(tifs={"thumbnail_factor": 1}, slides={"name_pattern": r"DK(?P<number>\d\d)"})
    made = run_by_hand(dataclasses.replace(plan, settings=settings), stamps)
    assert {step.item for step in made if step.stage == "Meta"} == set(plan.slides)


def test_an_edit_that_leaves_the_mask_as_it_was_stops_there(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    made = run_by_hand(dataclasses.replace(plan, edits={key(3): "painted"}), stamps)
    assert made == [Step(stage, 0, key(3)) for stage in ("MaskSearch", "MaskProposal", "Masks")]


def test_an_edited_mask_redoes_its_section_and_pairs_and_stops_at_what_did_not_move(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    edited = dataclasses.replace(plan, edits={key(3): "painted"})
    made = run_by_hand(edited, stamps, other={Step("Masks", 0, key(3)): "another mask"})
    assert {step.item for step in made if step.stage in ("Histogram", "Clean", "Alignment", "Web")} == {key(3)}
    for stage in ("Elastix", "PairRetry"):
        assert {step.item for step in made if step.stage == stage} == pairs_of(3)
    assert {step.stage for step in made if not step.item} == {
        "ChannelHistogram", "Gain", "Canvas", "Transforms", "AlignmentPictures", "Shell", "Downsampling",
    }  # fmt: skip
    assert [step for step in made if step.stage == "NeuroglancerImage"] == [
        Step("NeuroglancerImage", channel, "000") for channel in (1, 2)
    ]


def test_another_canvas_redoes_the_composed_transforms_though_no_pair_changed(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    edited = dataclasses.replace(plan, edits={key(3): "painted"})
    made = run_by_hand(edited, stamps, other={Step("Masks", 0, key(3)): "larger", Step("Canvas"): "larger"})
    assert Step("Transforms") in made


def test_a_section_that_moved_is_aligned_again_and_the_others_are_not(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    stamp = stamps.read(Step("Transforms"))
    assert stamp is not None
    moved = dataclasses.replace(stamp, values={**stamp.values, key(5): "elsewhere"})
    stamps.write(Step("Transforms"), moved)
    assert {step.item for step in run_by_hand(plan, stamps) if step.stage == "Alignment"} == {key(5)}


# What people said of the alignment


def with_records(plan: Plan, **changes: Any) -> Plan:
    return dataclasses.replace(plan, records=dataclasses.replace(plan.records, **changes))


MOVED = ("Transforms", "AlignmentPictures", "Shell")
EDITS: dict[str, tuple[AlignmentEdit, set[str]]] = {
    "place": (AlignmentEdit("place", key(2), rotation_rad=0.1), {"Transforms", "AlignmentPictures", "Shell"}),
    "anchor": (AlignmentEdit("anchor", key(2), shift_x_um=10.0), {"PairCheck", *MOVED}),
    "follow": (AlignmentEdit("follow", key(2), key(1)), {"Transforms", "AlignmentPictures", "Shell"}),
    "leave out": (AlignmentEdit("leave_out", key(2), key(1)), {"PairCheck", *MOVED}),
}


@pytest.mark.parametrize("said", EDITS)
def test_what_is_said_of_the_alignment_registers_no_pair_again(plan: Plan, said: str) -> None:
    """And where all places come out as before, no section is aligned again."""
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    edit, redone = EDITS[said]
    assert stages_made(run_by_hand(with_records(plan, alignment_edits=(edit,)), stamps)) == redone
    assert stages_made(run_by_hand(plan, stamps)) == redone


def test_a_section_that_is_placed_by_hand_moves_alone(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    placed = with_records(plan, alignment_edits=(AlignmentEdit("place", key(2), rotation_rad=0.1),))
    ingredients = placed.ingredients(Step("Transforms"), stamps)
    before = stamps.read(Step("Transforms"))
    assert before is not None
    values = {**before.values, key(2): "elsewhere"}
    stamps.write(Step("Transforms"), Stamp(digest_of(Step("Transforms"), ingredients), values, ingredients))
    made = run_by_hand(placed, stamps)
    assert counted(made) == {
        "Alignment": 2, "AlignmentPictures": 1, "Shell": 1, "Web": 1, "NeuroglancerImage": 2, "Downsampling": 2,
    }  # fmt: skip
    assert {step.item for step in made if step.item} == {key(2), "000"}


def test_a_pair_given_by_hand_is_measured_and_no_other_is_registered_again(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    given = with_records(plan, pairs_by_hand=(AlignmentEdit("pair", key(3), key(2), 0.1, 5.0, 6.0),))
    pair = elastix(2, 3)
    assert run_by_hand(given, stamps) == [pair, Step("PairRetry", 0, pair.item)]
    assert run_by_hand(given, stamps) == []
    mirrored = with_records(plan, pairs_by_hand=(AlignmentEdit("pair", key(3), key(2), 0.1, 5.0, 6.0, True),))
    assert mirrored.by_hand == {pair.item: GivenPair(0.1, 5.0, 6.0, mirrored=True)}
    assert run_by_hand(mirrored, stamps) == [pair, Step("PairRetry", 0, pair.item)]


def test_of_the_check_a_pair_reads_only_what_is_said_of_itself(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    stamp, pair = stamps.read(Step("PairCheck")), elastix(2, 3)
    assert stamp is not None
    values = {**stamp.values, "": "another", pair.item: "again"}
    stamps.write(Step("PairCheck"), dataclasses.replace(stamp, values=values))
    assert run_by_hand(plan, stamps) == [
        Step("PairRetry", 0, pair.item), Step("Transforms"), Step("AlignmentPictures"), Step("Shell"),
    ]  # fmt: skip


# What people decided about sections


def test_a_dropped_section_redoes_what_bridges_it_and_the_volume(plan: Plan, tmp_path: Path) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    fewer = plan_of(tmp_path, [slide(1, qc={2: 3}), *FOUR[1:]])
    made = run_by_hand(fewer, stamps)
    # Of 0 and 3 elastix refines the pair now, as they are two apart instead of three; 0 and 4 are a new pair; that 0
    # and 2 lie next to each other changes nothing about their pair.
    assert [step for step in made if step.stage == "Elastix"] == [elastix(0, 3), elastix(0, 4)]
    assert stages_made(made) == {
        "Preps", "MaskCheck", "MaskAreas", "ChannelHistogram", "Gain", "Canvas", "Elastix", "PairCheck", "PairRetry",
        "Transforms", "AlignmentPictures", "Shell", "NeuroglancerInfo", "NeuroglancerImage", "Downsampling",
    }  # fmt: skip


def test_a_section_dropped_within_the_stack_redoes_five_pairs(plan: Plan, tmp_path: Path) -> None:
    """As many as reach over it from both sides and were not of this length before: two that were three apart and are
    two apart now, and three new ones; the sections beside it were refined as a pair before."""
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    made = run_by_hand(plan_of(tmp_path, [slide(1), slide(2, qc={2: 1}), *FOUR[2:]]), stamps)
    pairs = [elastix(0, 4), elastix(1, 4), elastix(1, 5), elastix(2, 5), elastix(2, 6)]
    assert [step for step in made if step.stage == "Elastix"] == pairs
    assert {step.item for step in made if step.stage == "PairRetry"} == {step.item for step in pairs}


ONCE = {
    "Preps": 1,
    "MaskCheck": 1,
    "MaskAreas": 1,
    "Canvas": 1,
    "PairCheck": 1,
    "Transforms": 1,
    "AlignmentPictures": 1,
    "Shell": 1,
    "NeuroglancerImage": 2,
    "Downsampling": 2,
}
"""How many steps see that the stack is another; volumes, gains and so on: one for each of two channels."""
GATHERED = {"ChannelHistogram": 2, "Gain": 2}
LAID_OUT = {"NeuroglancerInfo": 2}
"""Of a stack with another number of slots."""
NEW = {
    "Normalized": 2, "MaskSearch": 1, "MaskProposal": 1, "Masks": 1, "Histogram": 2, "HistogramPicture": 2,
    "Clean": 2, "Alignment": 2, "Web": 1,
}  # fmt: skip
"""All that is made of a section itself."""

COPY = "slide001_S2_copy1"
BRIDGED = [elastix(0, 3).item, elastix(0, 4).item]
"""Without section 1: the first were three apart and are two now, so that elastix refines them; the second are new."""

DECIDED: dict[str, tuple[Slide, list[str], int, dict[str, int]]] = {
    "a gap": (slide(1, qc={2: 1}), BRIDGED, 1, ONCE | GATHERED),
    "dropped": (slide(1, dropped=(2,)), BRIDGED, 1, ONCE | GATHERED | LAID_OUT),
    "the end": (slide(1, qc={2: 3}), BRIDGED, 1, ONCE | GATHERED | LAID_OUT),
    "replicated": (  # 0 and 2, and 1 and 3, were two apart and are three now
        slide(1, replicates={2: 1}),
        [
            f"{key(0)}..{COPY}", elastix(0, 2).item, f"{key(1)}..{COPY}", elastix(1, 3).item,
            *(f"{COPY}..{key(number)}" for number in (2, 3, 4)),
        ],
        2,
        ONCE | NEW | LAID_OUT,
    ),
    "filled by its neighbour": (  # the others are as far apart as before
        slide(1, qc={2: 1}, replicates={2: 1}),
        ["slide001_S1..slide001_S1_copy1", *(f"slide001_S1_copy1..{key(number)}" for number in (2, 3, 4))],
        0,
        ONCE | GATHERED | NEW,
    ),
    "moved": (  # 1 and 3 were two apart and are three now, 0 and 3 the other way; 0 and 4 are new
        slide(1, order={1: 2, 2: 1}),
        [f"{key(1)}..{key(0)}", elastix(1, 3).item, elastix(0, 3).item, elastix(0, 4).item],
        2,
        ONCE | GATHERED,
    ),
}  # fmt: skip
"""What a person decides about scene 2 of slide 1: which pairs are registered, of how many of these only the distance is
another (so that they are registered once more when it is taken back), and how many steps of each other stage are made
again where the others' values (gain, canvas, place) come out as before. No TIFF, and no other section's image."""


def counted(made: list[Step]) -> dict[str, int]:
    return dict(Counter(step.stage for step in made))


@pytest.mark.parametrize("decision", DECIDED)
def test_what_is_decided_about_a_section_redoes_its_pairs_and_what_joins_all(
    plan: Plan, tmp_path: Path, decision: str
) -> None:
    decided, pairs, _, steps = DECIDED[decision]
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    changed = plan_of(tmp_path, [decided, *FOUR[1:]])
    made = run_by_hand(changed, stamps)
    assert [step.item for step in made if step.stage == "Elastix"] == pairs
    assert counted(made) == steps | {"Elastix": len(pairs), "PairRetry": len(pairs)}
    assert {step.item for step in made if step.stage in NEW} <= {key for key in changed.section if "copy" in key}
    assert changed.chain[changed.anchor] == plan.chain[plan.anchor]


@pytest.mark.parametrize("decision", DECIDED)
def test_a_decision_taken_back_makes_no_image_again_and_of_pairs_those_whose_distance_changed(
    plan: Plan, tmp_path: Path, decision: str
) -> None:
    decided, pairs, changed, _ = DECIDED[decision]
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    run_by_hand(plan_of(tmp_path, [decided, *FOUR[1:]]), stamps)
    made = run_by_hand(dataclasses.replace(plan), stamps)
    assert stages_made(made) <= {*ONCE, *GATHERED, *LAID_OUT, "Elastix", "PairRetry"}
    again = {step.item for step in made if step.stage == "Elastix"}
    assert again == {step.item for step in plan.pairs} & set(pairs)
    assert len(again) == changed


def test_a_rescan_is_made_from_its_own_scan_and_the_first_one_is_kept(plan: Plan, tmp_path: Path) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    again = plan_of(tmp_path, [*FOUR, slide(2, rescan=2)])
    made = run_by_hand(again, stamps)
    assert counted(made) == ONCE | GATHERED | {stage: 2 * count for stage, count in NEW.items()} | {
        "Meta": 1, "Tifs": 2, "UpdateTifs": 1, "Elastix": len(pairs_of(2, 3)), "PairRetry": len(pairs_of(2, 3)),
    }  # fmt: skip
    back = plan_of(tmp_path, [*FOUR, slide(2, rescan=2, status="Bad")])
    assert [section.key for section in back.sections] == [section.key for section in plan.sections]
    assert counted(run_by_hand(back, stamps)) == ONCE | GATHERED | {"UpdateTifs": 1}


def test_of_a_scan_that_is_not_used_only_the_metadata_is_read(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1), slide(1, rescan=2), slide(2)])
    made = run_by_hand(plan, StampsInMemory(plan.folder.stamps))
    assert [step.item for step in made if "DK39_slide001" in step.item] == [
        "DK39_slide001", "DK39_slide001_rescan2", "DK39_slide001_rescan2", "DK39_slide001_rescan2",
    ]  # fmt: skip
    assert [(used.rescan, [one.rescan for one in others]) for used, others in plan.rescanned] == [(2, [1])]


def test_channels_are_those_of_the_scans_in_use(tmp_path: Path) -> None:
    more = dataclasses.replace(slide(1), channels=(Channel(1, "DAPI"), Channel(2, "GFP"), Channel(3, "Cy5")))
    assert [one.number for one in plan_of(tmp_path, [more, slide(1, rescan=2)]).channels] == [1, 2]


def test_an_edit_of_a_section_leaves_its_copy_as_it_is(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, replicates={1: 1}), slide(2)])
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    edited = dataclasses.replace(plan, edits={"slide001_S1": "painted"})
    made = run_by_hand(edited, stamps, other={Step("Masks", 0, "slide001_S1"): "another mask"})
    assert {step.item for step in made if step.stage in NEW} == {"slide001_S1"}


def test_a_stage_cannot_be_stamped_before_its_inputs(plan: Plan) -> None:
    with pytest.raises(RuntimeError, match="before Meta"):
        plan.expected(Step("Tifs", 1, "DK39_slide001"), StampsInMemory(plan.folder.stamps))


def test_evening_out_makes_each_section_hang_on_its_own_factor(tmp_path: Path) -> None:
    """Of its copy too, which is as bright as its section."""
    plan = plan_of(tmp_path, [slide(1, replicates={1: 1}), *FOUR[1:]])
    settings = settings_with(tifs={"thumbnail_factor": 1}, gain={"even_um": 500.0})
    even = dataclasses.replace(plan, settings=settings)
    for key in ("slide001_S1", "slide001_S1_copy1"):
        assert Input(Step("Gain", 1), part="slide001_S1") in even.inputs(Step("Clean", 1, key))
    assert Input(Step("Gain", 1), part="slide001_S1") not in plan.inputs(Step("Clean", 1, "slide001_S1"))


def test_a_higher_version_redoes_a_stage(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps)
    monkeypatch.setitem(STAGES, "Gain", dataclasses.replace(STAGES["Gain"], version=7))
    assert stages_made(run_by_hand(dataclasses.replace(plan), stamps)) == {"Gain"}


# Progress


def test_all_is_done_after_a_run(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    made = run_by_hand(plan, stamps, files=True)
    progress = Progress(plan, stamps)
    assert {progress.state(step) for step in made} == {"done"}


def test_nothing_is_done_before_a_run(plan: Plan) -> None:
    progress = Progress(plan, StampsInMemory(plan.folder.stamps))
    assert progress.state(Step("Meta", 0, "DK39_slide001")) == "to do"
    assert progress.state(Step("Transforms")) == "to do"


def test_a_lost_output_is_not_done(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps, files=True)
    plan.folder.keyed("thumbnail_cleaned", key(2), 1).unlink()
    progress = Progress(plan, stamps)
    assert progress.state(Step("Clean", 1, key(2))) == "stale"
    assert progress.state(Step("Alignment", 1, key(2))) == "stale"
    assert progress.state(Step("Alignment", 1, key(7))) == "stale"  # its transform may change
    assert progress.state(Step("Clean", 1, key(3))) == "done"


def test_failed_and_blocked_steps_say_so(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps, files=True)
    progress = Progress(plan.without([Step("Masks", 0, key(1))]), stamps)
    assert progress.state(Step("Masks", 0, key(1))) == "failed"
    assert progress.state(Step("Clean", 1, key(1))) == "blocked"
    assert progress.state(Step("Clean", 1, key(2))) == "stale"  # gain and canvas go on without that section


def test_metadata_that_the_database_does_not_have_is_not_done(plan: Plan) -> None:
    stamps = StampsInMemory(plan.folder.stamps)
    run_by_hand(plan, stamps, files=True)
    records = dataclasses.replace(plan.records, slides=plan.records.slides[1:])
    progress = Progress(dataclasses.replace(plan, records=records), stamps)
    assert not progress.is_done(Step("Meta", 0, "DK39_slide001"))
    assert progress.is_done(Step("Meta", 0, "DK39_slide002"))


@pytest.mark.parametrize(
    ("slides", "command"),
    [
        ([slide(1, qc={2: 2})], "brainstack slide DK39 1 --scene 2 --good"),
        ([slide(1, status="Bad"), slide(2)], "brainstack slide DK39 1 --good"),
        (
            [slide(1, status="Bad"), slide(1, rescan=2, qc={2: 1})],
            "brainstack slide DK39 1 --scene 2 --rescan 2 --good",
        ),
    ],
)
def test_of_a_gap_the_command_is_told_that_makes_it_a_section_again(
    tmp_path: Path, slides: list[Slide], command: str
) -> None:
    with pytest.raises(BrainstackError, match=rf"has no image; .*: `{command}`;"):
        section_named(plan_of(tmp_path, slides), "1")
