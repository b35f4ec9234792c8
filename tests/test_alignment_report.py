from __future__ import annotations

from pathlib import Path

import pytest
from by_hand import plan_of, slide

from brainstack.alignment_report import MOST_DOUBTFUL, doubtful_sections, reason_of_pair, symmetry_words
from brainstack.files.alignment_metrics import write_alignment_metrics
from brainstack.files.whole import write_json
from brainstack.plan import Plan
from brainstack.records import PairTransform, SectionAlignment


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return plan_of(tmp_path, [slide(1, 7), slide(2, 7)])


def aligned(plan: Plan, **verdicts: str) -> None:
    """The last run found these sections, by key, to be so; all others good."""
    rows = [
        SectionAlignment(key, 0.0, 0.0, 0.0, False, 0.9, 0.4, 0.9, 3.0, verdicts.get(key, "good"), f"reason of {key}")
        for key in [*plan.section, *(set(verdicts) - set(plan.section))]
    ]
    numbers = {key: number for number, key in enumerate(row.section for row in rows)}
    write_alignment_metrics(plan.folder.alignment_metrics, rows, [], numbers)


def test_before_the_first_run_and_where_all_is_good_there_is_nothing_to_say(plan: Plan) -> None:
    assert doubtful_sections(plan) == []
    aligned(plan)
    assert doubtful_sections(plan) == []


def test_doubtful_sections_are_named_with_the_reason_and_what_to_do(plan: Plan) -> None:
    aligned(plan, slide002_S1="doubtful", slide001_S3="doubtful")
    first, second, todo = doubtful_sections(plan)
    assert first == "section 2 (slide001_S3): its place in the stack is doubtful: reason of slide001_S3"
    assert second == "section 7 (slide002_S1): its place in the stack is doubtful: reason of slide002_S1"
    pictures = plan.folder.numbered("thumbnail_aligned", 0, plan.settings.elastix.channel).parent
    assert todo == f"look at them in {pictures}; to mend one: brainstack align --help"


def test_what_failed_is_told_elsewhere(plan: Plan) -> None:
    aligned(plan, slide002_S1="failed")
    assert doubtful_sections(plan) == []


def test_a_section_that_is_no_longer_in_the_stack_is_not_told(plan: Plan) -> None:
    aligned(plan, slide009_S1="doubtful")
    assert doubtful_sections(plan) == []


def test_drift_and_jitter_are_told_where_axes_hold_the_stack(plan: Plan) -> None:
    assert symmetry_words(plan) == ""  # before the first run
    for content in ({}, {"symmetry": None}):  # of an older brainstack, and of a stack without axes
        write_json(plan.folder.small("transforms"), content)
        assert symmetry_words(plan) == ""
    symmetry = {"axes": 12, "drift_um": [34.4, 90.6], "jitter_um": [7.2, 20.0]}
    write_json(plan.folder.small("transforms"), {"symmetry": symmetry})
    assert "of 12 sections, the stack drifts by 34 um (91 at most)" in symmetry_words(plan)
    assert "differ from those around them by 7 um (20 at most)" in symmetry_words(plan)


@pytest.mark.parametrize("count", [MOST_DOUBTFUL, MOST_DOUBTFUL + 3])
def test_of_many_only_the_first_are_named_and_where_the_rest_are(plan: Plan, count: int) -> None:
    aligned(plan, **dict.fromkeys(list(plan.section)[:count], "doubtful"))
    lines = doubtful_sections(plan)
    assert sum("reason of" in line for line in lines) == MOST_DOUBTFUL
    more = [f"and 3 more sections whose place is doubtful: see {plan.folder.alignment_metrics}"]
    assert lines[MOST_DOUBTFUL:-1] == (more if count > MOST_DOUBTFUL else [])


# Pairs that elastix gave up on


GAVE_UP = reason_of_pair("", "elastix could not register the two sections; look at both.")


def test_a_pair_says_why_it_is_not_good_and_what_elastix_said() -> None:
    assert reason_of_pair("", "") == ""
    assert reason_of_pair("its loops stay open by 900 um", "") == "its loops stay open by 900 um"
    assert GAVE_UP == "as it was begun: elastix could not register the two sections; look at both."
    assert reason_of_pair("likeness 0.20", "elastix could not") == "likeness 0.20; as it was begun: elastix could not"


def registered(plan: Plan, *pairs: PairTransform, doubtful: str = "") -> None:
    rows = [SectionAlignment(key, 0.0, 0.0, 0.0, False, 0.9, 0.4, 0.9, 3.0, "doubtful" if key == doubtful else "good")
            for key in plan.section]  # fmt: skip
    numbers = {key: number for number, key in enumerate([*plan.section, "slide009_S1"])}
    write_alignment_metrics(plan.folder.alignment_metrics, rows, pairs, numbers)


def pair(fixed: str, moving: str, verdict: str = "good", reason: str = GAVE_UP) -> PairTransform:
    return PairTransform(fixed, moving, 0.0, 0.0, 0.0, 0.9, verdict=verdict, reason=reason)


def test_pairs_that_elastix_gave_up_on_are_told_in_a_sentence(plan: Plan) -> None:
    registered(plan, pair("slide001_S1", "slide001_S2"), pair("slide001_S7", "slide002_S1"))
    (line,) = doubtful_sections(plan)
    assert line == (
        "elastix gave up on pairs of sections, which are less exact than others: 0 and 1, 6 and 7; "
        f"{plan.folder.alignment_metrics} says why"
    )
    registered(plan, pair("slide001_S1", "slide001_S2"), doubtful="slide001_S4")
    assert [line.split()[0] for line in doubtful_sections(plan)] == ["section", "elastix", "look"]


def test_of_pairs_that_failed_or_are_no_longer_there_nothing_is_told(plan: Plan) -> None:
    failed = pair("slide001_S1", "slide001_S2", "failed")
    registered(plan, failed, pair("slide002_S7", "slide009_S1"), pair("slide001_S1", "slide001_S3", reason="open"))
    assert doubtful_sections(plan) == []
