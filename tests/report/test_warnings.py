"""On the page every warning is whole: a terminal has no room for hundreds, a page has."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from by_hand import plan_of, run_by_hand, slide

from brainstack.alignment_report import GAVE_UP
from brainstack.brightness import doubts
from brainstack.files.alignment_metrics import write_alignment_metrics
from brainstack.mask_areas import MaskArea, write_mask_areas
from brainstack.plan import Plan
from brainstack.planning import progress_of
from brainstack.records import PairTransform, SectionAlignment
from brainstack.report.brightness import brightness_chapter
from brainstack.report.masks import masks_chapter
from brainstack.report.pictures import PictureBox
from brainstack.report.sections import sections_chapter
from brainstack.report.source import Source
from brainstack.report.templating import environment
from brainstack.report.troubles import troubles_chapter
from brainstack.report.warnings import warnings_of
from brainstack.stamps import Stamps

MANY = 24


def source_of(plan: Plan) -> Source:
    box = PictureBox(plan.folder.root, plan.folder.report_pictures)
    return Source(plan, progress_of(plan), {}, [], [], [], box, datetime(2026, 1, 1, tzinfo=UTC))


def many(root: Path) -> Plan:
    """Of each of its 24 sections the mask and the place are in doubt, of each of its six slides the scan, and all are
    saturated."""
    slides = [dataclasses.replace(slide(one, 4), warnings=(f"note {one}", "blurred")) for one in range(1, 7)]
    plan = plan_of(root, slides)
    stamps = Stamps(plan.folder.stamps)
    run_by_hand(plan, stamps)
    for place, step in enumerate(one for one in plan.steps("Histogram") if one.channel == 1):
        stamp = stamps.read(step)
        assert stamp is not None
        stamps.write(step, dataclasses.replace(stamp, values={"saturated": f"0.{10 + place}"}))
    write_mask_areas(plan.folder.mask_areas, [
        MaskArea(one.number, key, 5e6, 5.1e6, 2, "doubtful", False) for key, one in plan.section.items()
    ])  # fmt: skip
    rows = [
        SectionAlignment(key, 0.0, 0.0, 0.0, False, 0.1, 0.1, 1.0, 5.0, "doubtful", f"why {key}") for key in plan.chain
    ]
    write_alignment_metrics(
        plan.folder.alignment_metrics, rows, [], {key: one.number for key, one in plan.section.items()}
    )
    return plan


def test_all_sections_and_slides_are_named(tmp_path: Path) -> None:
    plan = many(tmp_path)
    kinds = {one.title: one for one in warnings_of(source_of(plan))}

    assert list(kinds) == ["Slides", "Masks", "Places", "Brightness"]
    masks = [one.sentence for one in kinds["Masks"].lines]
    assert [f"({key})" in line for key, line in zip(plan.section, masks, strict=True)] == [True] * MANY
    places = " ".join(one.sentence for one in kinds["Places"].lines)
    assert all(f"why {key}" in places for key in plan.section)
    saturated = next(one for one in kinds["Brightness"].lines if "saturated in the scan" in one.sentence)
    assert len(saturated.named) == MANY
    assert "23 (slide006_S4) 33.0%" in saturated.named
    assert [one.sentence for one in kinds["Slides"].lines if "note" in one.sentence] == [
        f"DK39_slide{one:03d}.czi: note {one}" for one in range(1, 7)
    ]
    blurred = next(one for one in kinds["Slides"].lines if "blurred" in one.sentence)
    assert len(blurred.named) == 6


def test_what_is_folded_away_is_on_the_page_all_the_same(tmp_path: Path) -> None:
    plan = many(tmp_path)
    html = (
        environment()
        .get_template("troubles.html")
        .render(content=troubles_chapter(source_of(plan)), numbers={}, prep_id="DK39")
    )
    assert all(html.count(f"({key})") >= 3 for key in plan.section), "mask, place and brightness"
    assert html.count("<details>") == html.count("</details>") > 3
    assert "..." not in html


def test_a_terminal_names_the_first_and_says_how_many_more(tmp_path: Path) -> None:
    plan = many(tmp_path)
    line = next(one for one in doubts(plan, Stamps(plan.folder.stamps)) if "saturated in the scan" in one)
    assert line.count("(slide") == 5
    assert line.endswith(" and 19 more")


def test_the_chapter_on_brightness_says_where_all_are(tmp_path: Path) -> None:
    lines = brightness_chapter(source_of(many(tmp_path))).doubts
    assert any(line.endswith("and 19 more (all of them: see Failures and warnings)") for line in lines)


def test_a_doubtful_mask_has_its_true_reason_in_its_card_and_in_the_table(tmp_path: Path) -> None:
    """Its area is nearly as expected: it is another outline that is wrong with it."""
    plan = many(tmp_path)
    source = source_of(plan)
    card = sections_chapter(source).cards[3]
    (why,) = [line for line in card.troubles if "mask" in line]
    assert why.startswith("its mask has 5.0 mm2 in 2 pieces, its neighbours make 5.1 mm2")
    assert "outline" in why
    assert str(plan.folder.root) not in why
    outliers = masks_chapter(source).outliers
    assert len(outliers) == MANY
    assert outliers[3].why == why


def test_a_mask_that_a_person_changed_since_is_not_in_doubt_any_more(tmp_path: Path) -> None:
    plan = dataclasses.replace(many(tmp_path), edits={"slide001_S4": "painted"})
    source = source_of(plan)
    assert not any("mask" in line for line in sections_chapter(source).cards[3].troubles)
    assert masks_chapter(source).outliers[3].why.startswith("it was changed since the last run")


def test_a_table_that_another_program_saved_hides_no_other_warning(tmp_path: Path) -> None:
    plan = many(tmp_path)
    plan.folder.mask_areas.write_text("saved by another program\n")
    plan.folder.alignment_metrics.write_text("as well\n")
    kinds = {one.title: one for one in warnings_of(source_of(plan))}
    for title in ("Masks", "Places"):
        (line,) = kinds[title].lines
        assert "could not be made: " in line.sentence
    assert kinds["Brightness"].lines
    assert kinds["Slides"].lines


def test_all_pairs_that_elastix_gave_up_on_are_named(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, [slide(1, 20)])
    keys = list(plan.section)
    pairs = [
        PairTransform(one, other, 0.0, 0.0, 0.0, 0.5, verdict="good", reason=f"{GAVE_UP}too few samples")
        for one, other in pairwise(keys)
    ]
    write_alignment_metrics(plan.folder.alignment_metrics, [], pairs, {key: place for place, key in enumerate(keys)})
    (kind,) = warnings_of(source_of(plan))
    (line,) = kind.lines
    assert line.sentence.startswith("elastix gave up on 19 pairs of sections")
    assert line.named[-1] == "18 and 19: as it was begun: too few samples"


def test_of_an_animal_where_all_is_well_there_is_no_list(tmp_path: Path) -> None:
    assert warnings_of(source_of(plan_of(tmp_path, [slide(1, 4)]))) == ()
