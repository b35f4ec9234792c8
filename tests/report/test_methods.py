"""The methods of animals that are known, by hand: no slide is read and no pixel made."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from by_hand import plan_of, run_by_hand, settings_with, slide

from brainstack.files.alignment_metrics import write_alignment_metrics
from brainstack.mask_areas import MaskArea, write_mask_areas
from brainstack.plan import Plan
from brainstack.planning import progress_of
from brainstack.records import Ran, SectionAlignment
from brainstack.report.citations import REFERENCES
from brainstack.report.methods import methods_chapter, numbered, several
from brainstack.report.pictures import PictureBox
from brainstack.report.source import Source
from brainstack.stamps import Stamps


def source_of(plan: Plan) -> Source:
    box = PictureBox(plan.folder.root, plan.folder.report_pictures)
    return Source(plan, progress_of(plan), {}, [], [], [], box, datetime(2026, 1, 1, tzinfo=UTC))


def made(plan: Plan, *, verdict: str = "good", by_hand: bool = False) -> Source:
    """All stages have run."""
    run_by_hand(plan, Stamps(plan.folder.stamps))
    rows = [SectionAlignment(key, 0.0, 0.0, 0.0, False, 0.9, 0.1, 1.0, 5.0, "good") for key in plan.chain]
    last = rows.pop()
    rows.append(SectionAlignment(last.section, 0.0, 0.0, 0.0, False, 0.9, 0.1, 1.0, 5.0, verdict, "", by_hand))
    numbers = {key: section.number for key, section in plan.section.items()}
    write_alignment_metrics(plan.folder.alignment_metrics, rows, [], numbers)
    verdicts = {0: "mended"}
    write_mask_areas(plan.folder.mask_areas, [
        MaskArea(place, key, 1e6, 1e6, 1, verdicts.get(place, "as proposed"), False)
        for place, key in enumerate(plan.section)
    ])  # fmt: skip
    return source_of(plan)


def text_of(source: Source) -> str:
    return methods_chapter(source).text


def test_numbers_of_the_animal_are_filled_in(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, 4), slide(2, 4, qc={3: 1}, replicates={1: 1})], section_thickness_um=25.0,
                   orientation="coronal", counterstain="NtB")  # fmt: skip
    text = text_of(made(plan))
    for words in (
        "The mouse brain DK39 was cut into coronal sections, 25 µm apart (counterstain: NtB).",
        "On two slides, eight sections were scanned in two channels (DAPI, GFP) of 16 bit at 10 µm per pixel",
        "One section of bad quality was left empty.",
        "One missing section was replaced by a copy of a neighbouring one.",
        "one mask was found again with their help",
        "No mask was changed by hand.",
        "on the next three ones, on channel 1, smoothed by 15 µm: from 36 rotations",
        "brings the 99% quantile of the tissue to 46% of the range",
        "No section was placed by hand.",
        "by linear interpolation",
    ):
        assert words in text, words


def test_what_people_did_is_told(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, 4)], edits={"slide001_S1": "a", "slide001_S2": "b"})
    assert "Two masks were mended by hand." in text_of(made(plan))
    assert "One section was placed by hand." in text_of(made(plan, by_hand=True))
    assert "One section was left out, as no other fitted on it." in text_of(made(plan, verdict="failed"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"masks": {"model": "preps/masks/model.json"}}, "trained on masks painted by hand"),
        ({"gain": {"even_um": 500.0}}, "sigma 500 µm"),
        ({"clean": {"background_um": 1000.0}}, "an opening by a disk of 1000 µm radius"),
        ({"shape": {"held_by": "midline"}}, "held by the brain's plane of symmetry"),
        ({"shape": {"held_by": "outline"}}, "held by the smooth surface of their outlines"),
        ({"deformation": {"grid_um": 1000.0}}, "splines on a grid of 1000 µm, by 100 µm at most"),
        ({"elastix": {"reach": 1}}, "on the next one, on channel 1"),
        ({"alignment": {"interpolation": "cubic"}}, "by cubic interpolation"),
    ],
)  # fmt: skip
def test_settings_that_are_in_force_are_told_and_others_not(tmp_path: Path, settings: Any, words: str) -> None:
    slides = [slide(1, 4)]
    (shipped, own) = (tmp_path / name for name in ("shipped", "own"))
    changed = settings_with(**({"tifs": {"thumbnail_factor": 1}} | settings))
    assert words in text_of(made(plan_of(own, slides, settings=changed)))
    assert words not in text_of(made(plan_of(shipped, slides)))


def test_settings_that_were_changed_after_a_run_are_told_as_they_were_then(tmp_path: Path) -> None:
    slides = [slide(1, 4)]
    before = made(plan_of(tmp_path, slides))
    changed = settings_with(gain={"target": 0.8}, alignment={"interpolation": "cubic"}, tifs={"thumbnail_factor": 1})
    chapter = methods_chapter(source_of(dataclasses.replace(before.plan, settings=changed)))

    assert "to 46% of the range" in chapter.text
    assert "by linear interpolation" in chapter.text
    assert chapter.changed == (
        "[gain] target: 0.46 then, 0.8 now",
        '[alignment] interpolation: "linear" then, "cubic" now',
    )
    assert any(one.startswith("Gain (2 stale of 2") for one in chapter.not_done), chapter.not_done
    assert any(one.startswith("Alignment (") for one in chapter.not_done)
    assert chapter.command == "luigi --module tasks Animal --animal DK39"


def test_of_an_animal_that_is_up_to_date_nothing_is_said_to_be_otherwise(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, 4)])
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    chapter = methods_chapter(source_of(plan))
    assert (chapter.not_done, chapter.never_made, chapter.changed) == ((), (), ())


def test_stages_that_were_not_made_yet_are_named_beside_those_that_were(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, 4)])
    stamps = Stamps(plan.folder.stamps)
    run_by_hand(plan, stamps, files=True)
    for step in stamps.steps():
        if step.stage in ("Shell", "NeuroglancerImage"):
            stamps.remove(step)
    chapter = methods_chapter(source_of(plan))
    assert chapter.never_made == ("NeuroglancerImage", "Shell")
    assert chapter.not_done == ()
    assert "Neuroglancer" not in chapter.text


def test_a_setting_that_some_steps_were_made_with_and_others_not_is_named(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, 4)])
    stamps = Stamps(plan.folder.stamps)
    run_by_hand(plan, stamps, files=True)
    step = next(one for one in plan.steps("Clean"))
    stamp = stamps.read(step)
    assert stamp is not None
    stamps.write(step, dataclasses.replace(stamp, ingredients={**stamp.ingredients, "[clean] background_um": "500.0"}))
    chapter = methods_chapter(source_of(plan))
    assert chapter.changed == ("[clean] background_um: 0.0 for most, 500.0 for others, 0.0 now",)
    assert "slow background" not in chapter.text


def test_what_elastix_was_asked_is_not_told_where_it_was_another_and_not_kept(tmp_path: Path) -> None:
    before = made(plan_of(tmp_path, [slide(1, 4)]))
    rigid = {**before.plan.settings.elastix.rigid, "Metric": "AdvancedMeanSquares"}
    changed = settings_with(elastix={"rigid": rigid}, tifs={"thumbnail_factor": 1})
    chapter = methods_chapter(source_of(dataclasses.replace(before.plan, settings=changed)))
    assert "mutual information" not in chapter.text
    assert "AdvancedMeanSquares" not in chapter.text
    assert "[elastix] rigid: not noted in full then, other now" in chapter.changed


def ran(version: str, started_at: str) -> Ran:
    return Ran("Clean", 1, "slide001_S1", started_at, 1.0, 0.1, "server", version=version)


def test_versions_are_those_that_the_steps_were_made_by(tmp_path: Path) -> None:
    """Of two runs the second made all anew; the process that tells of it has others."""
    source = made(plan_of(tmp_path, [slide(1, 4)]))
    logs = source.plan.folder.log("x").parent
    logs.mkdir(parents=True)
    for name, numpy in (("20260101-100000-1", "1.0.1"), ("20260102-100000-1", "1.0.2")):
        (logs / f"{name}.log").write_text(f"2026-01-01 10:00:00 DK39 | packages: luigi 3.8.1, numpy {numpy}\n")
    log = [ran("0.0.8/1", "2026-01-01T10:00:05+00:00"), ran("0.0.9/2", "2026-01-02T10:00:05+00:00")]
    text = text_of(dataclasses.replace(source, ran=log))
    assert "with brainstack 0.0.9, a graph" in text
    assert re.search(r"NumPy 1\.0\.2 \[\d+\], SciPy \[", text), text


def test_versions_that_nobody_noted_are_not_made_up(tmp_path: Path) -> None:
    text = text_of(made(plan_of(tmp_path, [slide(1, 4)])))
    assert "with brainstack, a graph of Luigi tasks" in text
    assert re.search(r"stands on NumPy \[\d+\], SciPy \[", text), text


@pytest.mark.parametrize("stain", ["thionin [blue]", "thionin [numpy]", "[luigi, scipy]", "[", "]"])
def test_what_people_wrote_in_brackets_cites_nothing(tmp_path: Path, stain: str) -> None:
    chapter = methods_chapter(made(plan_of(tmp_path, [slide(1, 4)], counterstain=stain)))
    assert f"(counterstain: {stain})" in chapter.text
    assert chapter.references[0] == REFERENCES["luigi"]
    assert len(set(chapter.references)) == len(chapter.references)


def test_stages_that_were_not_made_are_not_told(tmp_path: Path) -> None:
    text = text_of(source_of(plan_of(tmp_path, [slide(1, 4)])))
    assert "eight" not in text
    assert "four sections were scanned" in text
    for words in ("Masks of the tissue", "elastix", "Neuroglancer", "stands on"):
        assert words not in text


def test_before_a_slide_is_read_there_is_nothing_to_tell(tmp_path: Path) -> None:
    chapter = methods_chapter(source_of(plan_of(tmp_path, [])))
    assert chapter.text == ""
    assert chapter.missing.startswith("No section is known yet")


def test_every_citation_has_its_reference_in_order(tmp_path: Path) -> None:
    chapter = methods_chapter(made(plan_of(tmp_path, [slide(1, 4)])))
    cited = [int(number) for group in re.findall(r"\[([\d, ]+)\]", chapter.text) for number in group.split(", ")]
    first = list(dict.fromkeys(cited))
    assert first == list(range(1, len(chapter.references) + 1)), "numbered as they come"
    assert not re.search(r"\[[a-z]", chapter.text)
    joined = " ".join(chapter.references)
    for words in ("IEEE Transactions on Medical Imaging 29(1):196–205", "SimpleElastix", "30(10):1858–1865",
                  "PeerJ 2:e453", "Nature 585:357–362", "Nature Methods 17:261–272"):  # fmt: skip
        assert words in joined


def test_a_reference_that_comes_twice_has_one_number() -> None:
    chapter = numbered("a [scipy], b [numpy, scipy]")
    assert chapter.text == "a [1], b [2, 1]"
    assert chapter.references == (REFERENCES["scipy"], REFERENCES["numpy"])


def test_small_numbers_are_words() -> None:
    assert [several(one, "slide") for one in (1, 12, 13)] == ["one slide", "twelve slides", "13 slides"]
