"""Which masks do not fit a stack: made-up stacks, in which it is known which were spoiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import pytest

from brainstack.images.mask_outliers import Described, MaskShape, evidence_for, expectations, is_outlier, shape_of
from brainstack.images.mask_retry import better_mask, parts_of
from brainstack.settings import load_settings

SETTINGS = load_settings().mask_check


def stack(areas_um2: Sequence[float], z_um: Sequence[float] | None = None) -> list[Described]:
    """Ellipses, half as long again as wide."""
    found = []
    for number, area_um2 in enumerate(areas_um2):
        minor_um = np.sqrt(4 * area_um2 / np.pi / 1.5)
        shape = MaskShape(area_um2, 1.5 * minor_um, minor_um, 1) if area_um2 else MaskShape()
        found.append(Described(str(number), 20.0 * number if z_um is None else z_um[number], shape, str(number)))
    return found


def brain(count: int) -> np.ndarray:
    """Areas of an ellipsoid cut into so many sections, in um2."""
    return 5e7 * (1 - ((np.arange(count) + 0.5) / count * 2 - 1) ** 2)


def outliers(sections: Sequence[Described]) -> list[int]:
    expected = expectations(sections, SETTINGS)
    return [
        int(one.key)
        for one in sections
        if is_outlier(one, expected.get(one.key), len(evidence_for(one, sections)), SETTINGS)
    ]


def with_spoiled(areas_um2: np.ndarray, factors: Mapping[int, float]) -> np.ndarray:
    spoiled = areas_um2.copy()
    for number, factor in factors.items():
        spoiled[number] *= factor
    return spoiled


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 10, 24, 100])
def test_a_brain_that_tapers_has_no_outlier_however_coarsely_it_was_cut(count: int) -> None:
    assert outliers(stack(brain(count))) == []


def test_a_step_of_the_anatomy_is_no_outlier() -> None:
    assert outliers(stack([1e7] * 10 + [2.5e7] * 10)) == []


@pytest.mark.parametrize(
    ("number", "factor"), [(12, 0.6), (12, 1.6), *((number, factor) for number in (4, 12, 19) for factor in (0.4, 4.0))]
)
def test_one_spoiled_mask_is_found_and_no_other(number: int, factor: float) -> None:
    sections = stack(with_spoiled(brain(24), {number: factor}))
    assert outliers(sections) == [number]
    assert expectations(sections, SETTINGS)[str(number)].area_um2 == pytest.approx(brain(24)[number], rel=0.1)


def test_two_spoiled_neighbours_are_found() -> None:
    assert outliers(stack(with_spoiled(brain(24), {11: 0.4, 12: 0.4}))) == [11, 12]
    assert outliers(stack(with_spoiled(brain(24), {11: 3.0, 12: 3.0}))) == [11, 12]


def test_an_end_that_is_far_too_large_is_found() -> None:
    assert 0 in outliers(stack(with_spoiled(brain(100), {0: 40.0})))


def test_sections_beyond_a_gap_are_compared_by_their_depth() -> None:
    """Where twenty sections are missing from a cone, what follows is much larger, as it should be."""
    z_um = [20.0 * number for number in (*range(1, 11), *range(31, 41))]
    assert outliers(stack([1e5 * z for z in z_um], z_um)) == []


def test_an_empty_mask_is_an_outlier_and_no_evidence() -> None:
    sections = stack([1e7, 0, 0, 0, 1e7])
    assert outliers(sections) == [1, 2, 3]
    assert expectations(sections, SETTINGS)["2"].area_um2 == pytest.approx(1e7, rel=0.02)


def test_a_section_alone_has_no_expectation() -> None:
    assert expectations(stack([0.0]), SETTINGS) == {}


def test_what_a_person_made_is_no_outlier() -> None:
    sections = stack(with_spoiled(brain(24), {12: 0.4}))
    one = sections[12]
    sections[12] = Described(one.key, one.z_um, one.shape, one.scene, is_edited=True)
    assert outliers(sections) == []


def test_a_copy_does_not_speak_for_the_section_that_it_is_of() -> None:
    sections = stack(with_spoiled(brain(24), {12: 0.4}))
    copies = [Described(f"10{n}", 240.0 + n, sections[12].shape, "12", is_copy=True) for n in (1, 2, 3)]
    assert outliers([*sections, *copies]) == [12, 101, 102, 103]


def ellipse(angle_deg: float, centre: tuple[int, int] = (300, 300)) -> np.ndarray:
    mask = np.zeros((600, 600), np.uint8)
    cv2.ellipse(mask, centre, (150, 100), angle_deg, 0, 360, 1, -1)
    return mask > 0


def test_turning_mirroring_and_moving_change_no_shape() -> None:
    shape = shape_of(ellipse(0), 10)
    assert shape.major_um == pytest.approx(3000, rel=0.01)
    assert shape.minor_um == pytest.approx(2000, rel=0.01)
    assert shape.area_um2 == pytest.approx(np.pi * 1500 * 1000, rel=0.01)
    assert shape_of(np.fliplr(ellipse(30)), 10) == shape_of(ellipse(30), 10)
    for other in (ellipse(37), ellipse(90, (200, 350))):
        np.testing.assert_allclose(shape_of(other, 10).squares(), shape.squares(), rtol=0.02)


def test_an_empty_mask_has_no_shape() -> None:
    assert shape_of(np.zeros((5, 5), bool), 10) == MaskShape()


def test_of_two_lobes_joined_by_a_bridge_each_is_a_part() -> None:
    lobes = [ellipse(0, (160, 150)), ellipse(0, (430, 450))]
    joined = lobes[0] | lobes[1]
    bridge = joined.astype(np.uint8)
    cv2.line(bridge, (160, 150), (430, 450), 1, 12)
    parts = list(parts_of(bridge > 0, 10, load_settings().masks))
    for lobe in lobes:
        overlap = max(2 * np.count_nonzero(part & lobe) / (part.sum() + lobe.sum()) for part in parts)
        assert overlap > 0.97


def test_a_section_with_its_neighbour_s_tissue_gets_its_own_mask() -> None:
    """Two lobes shine; the neighbouring sections make one of that size expected."""
    one, other = ellipse(0, (160, 150)), np.zeros((600, 600), np.uint8)
    cv2.circle(other, (450, 450), 70, 1, -1)
    light = np.random.default_rng(1).normal(100, 3, (600, 600)) + 400.0 * (one | (other > 0))
    sections = stack([0.0] * 9)
    shape = shape_of(one, 10)
    sections = [Described(each.key, each.z_um, shape, each.scene) for each in sections]
    expected = expectations(sections, SETTINGS)["4"]
    image, masks = light.astype(np.uint16), load_settings().masks
    better = better_mask(image, one | (other > 0), expected, pixel_size_um=10, settings=masks)
    assert better is not None
    assert np.array_equal(better, one)
    assert better_mask(image, one, expected, pixel_size_um=10, settings=masks) is None  # nothing is clearly better
