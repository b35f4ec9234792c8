from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.filters import threshold_otsu

from brainstack import cli
from brainstack.database import open_database
from brainstack.demo import Truth, difficulty_of, make_animal, read_truth, stain_of
from brainstack.environment import animal_folder, database_url
from brainstack.errors import BrainstackError
from brainstack.files.czi import read_slide, read_strips
from brainstack.images.planes import dice

SMALL = {"width_px": 750, "height_px": 500}


@pytest.fixture(scope="module")
def animal(tmp_path_factory) -> Truth:
    """Ten sections on three slides, the third one half full."""
    return make_animal(tmp_path_factory.mktemp("animal"), sections=10, **SMALL)


def picture_of(truth: Truth, key: str, channel: int = 1) -> np.ndarray:
    section = truth.section(key)
    path = truth.folder / "czi" / f"{section.slide}.czi"
    scene = read_slide(path).scenes[section.scene - 1]
    return np.concatenate(list(read_strips(path, scene, channel, 512)))


def thumbnail_of(truth: Truth, key: str, channel: int = 1) -> np.ndarray:
    """Area averages, as float32."""
    picture = picture_of(truth, key, channel).astype(np.float32)
    factor = truth.thumbnail_factor
    rows, columns = (math.ceil(size / factor) * factor for size in picture.shape)
    missing = ((0, rows - picture.shape[0]), (0, columns - picture.shape[1]))
    padded = np.pad(picture, missing, mode="edge")
    return padded.reshape(rows // factor, factor, columns // factor, factor).mean(axis=(1, 3))


def to_thumbnail(matrix: np.ndarray, factor: int) -> np.ndarray:
    """The map between thumbnails that belongs to one between scans, pixel centres at whole numbers."""
    half = (factor - 1) / 2
    scaling = np.array([[factor, 0, half], [0, factor, half], [0, 0, 1]])
    return np.linalg.inv(scaling) @ matrix @ scaling


def keys_of_neighbours(truth: Truth) -> list[tuple[str, str]]:
    keys = [section.key for section in truth.sections]
    return list(itertools.pairwise(keys))


def detail(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """What is left without the lamp's unevenness, wider than a millimetre, and without the brightest dust."""
    bounded = np.minimum(picture, np.percentile(picture[mask], 99)) * mask
    wide, share = (cv2.GaussianBlur(plane.astype(np.float32), (0, 0), 12) for plane in (bounded, mask))
    return np.where(mask, cv2.GaussianBlur(bounded, (0, 0), 1) - wide / np.maximum(share, 0.01), 0)


def likeness(truth: Truth, fixed: str, moving: str, matrix: np.ndarray) -> float:
    """How much the moving section, laid upon the fixed one by `matrix`, correlates with it."""
    small = to_thumbnail(matrix, truth.thumbnail_factor)[:2]
    shape = truth.mask(fixed).shape[::-1]
    backwards = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    laid = cv2.warpAffine(detail(thumbnail_of(truth, moving), truth.mask(moving)), small, shape, flags=backwards)
    laid_mask = cv2.warpAffine(truth.mask(moving).astype(np.uint8), small, shape, flags=backwards) > 0
    both = truth.mask(fixed) & laid_mask
    return float(np.corrcoef(detail(thumbnail_of(truth, fixed), truth.mask(fixed))[both], laid[both])[0, 1])


def test_slides_are_named_as_a_lab_names_them(animal):
    assert [path.name for path in animal.czi_files] == [
        *("DEMO_ID_0001_slide001.czi", "DEMO_ID_0001_slide002.czi", "DEMO_ID_0001_slide003.czi")
    ]
    assert sorted((animal.folder / "czi").iterdir()) == animal.czi_files


def test_a_slide_holds_four_sections_and_the_last_one_what_is_left(animal):
    assert [len(read_slide(path).scenes) for path in animal.czi_files] == [4, 4, 2]
    assert [section.key for section in animal.sections] == [
        *("slide001_S1", "slide001_S2", "slide001_S3", "slide001_S4"),
        *("slide002_S1", "slide002_S2", "slide002_S3", "slide002_S4"),
        *("slide003_S1", "slide003_S2"),
    ]


def test_a_slide_tells_its_channels_and_pixel_size(animal):
    slide = read_slide(animal.czi_files[0])
    assert [channel.name for channel in slide.channels] == ["DAPI", "GFP", "Cy5"]
    assert slide.pixel_type == "Gray16"
    assert slide.pixel_size_um == (animal.pixel_size_um, animal.pixel_size_um) == (20.0, 20.0)


def test_the_true_sizes_are_those_of_the_scenes(animal):
    for path in animal.czi_files:
        found = [(scene.width, scene.height) for scene in read_slide(path).scenes]
        wanted = [(one.width_px, one.height_px) for one in animal.sections if one.slide == path.stem]
        assert found == wanted
    for section in animal.sections:
        factor = animal.thumbnail_factor
        wanted_shape = (math.ceil(section.height_px / factor), math.ceil(section.width_px / factor))
        assert animal.mask(section.key).shape == wanted_shape


def test_the_truth_can_be_read_again(animal):
    assert read_truth(animal.folder) == animal


def test_truth_that_was_never_written_is_refused(tmp_path):
    with pytest.raises(BrainstackError, match="made-up animal"):
        read_truth(tmp_path)


def test_a_section_that_is_not_there_is_refused(animal):
    with pytest.raises(BrainstackError, match="no section slide009_S1"):
        animal.section("slide009_S1")


def test_the_matrix_is_the_rotation_about_the_scene_centre_and_the_shift(animal):
    for section in animal.sections:
        middle = np.array([(size - 1) / 2 for size in animal.canvas_px] + [1])
        scene_middle = np.array([(section.width_px - 1) / 2, (section.height_px - 1) / 2])
        matrix = section.to_scene()
        np.testing.assert_allclose((matrix @ middle)[:2], scene_middle + section.shift_px, atol=1e-9)
        assert math.atan2(matrix[1, 0], matrix[0, 0]) == pytest.approx(section.rotation_rad)
        assert np.linalg.det(matrix) == pytest.approx(1)


def test_a_pair_goes_from_the_fixed_scene_to_the_moving_one(animal):
    fixed, moving = animal.sections[0], animal.sections[3]
    on_canvas = np.array([300.0, 200.0, 1.0])
    found = animal.pair_matrix(fixed.key, moving.key) @ (fixed.to_scene() @ on_canvas)
    np.testing.assert_allclose(found, moving.to_scene() @ on_canvas)


def test_neighbours_are_alike_where_the_truth_lays_them(animal):
    found = [likeness(animal, *pair, animal.pair_matrix(*pair)) for pair in keys_of_neighbours(animal)]
    assert min(found) > 0.6
    assert np.median(found) > 0.8


def test_the_truth_is_the_best_place_to_a_fraction_of_a_pixel(animal):
    for pair in keys_of_neighbours(animal):
        true = animal.pair_matrix(*pair)
        best = likeness(animal, *pair, true)
        for shift_x, shift_y in [(2, 0), (-2, 0), (0, 2), (0, -2)]:
            moved = np.array([[1, 0, shift_x], [0, 1, shift_y], [0, 0, 1]]) @ true
            assert likeness(animal, *pair, moved) < best


def test_a_shift_alone_does_not_align(animal):
    """Neighbours lie at angles to each other that no shift can undo."""
    found = []
    for fixed, moving in keys_of_neighbours(animal):
        first, second = (animal.section(key) for key in (fixed, moving))
        middle = np.array([(first.width_px - 1) / 2, (first.height_px - 1) / 2, 1])
        shift = (animal.pair_matrix(fixed, moving) @ middle)[:2] - middle[:2]
        only = np.array([[1, 0, shift[0]], [0, 1, shift[1]], [0, 0, 1]])
        if abs(first.rotation_rad - second.rotation_rad) > np.deg2rad(5):
            found.append(likeness(animal, fixed, moving, only))
    assert len(found) >= 3
    assert max(found) < 0.5


def test_tissue_shines_more_than_the_glass_beside_it(animal):
    """The true mask against the pixels: just inside its outline there is more light than just outside."""
    for section in animal.sections:
        picture, mask = thumbnail_of(animal, section.key), animal.mask(section.key).astype(np.uint8)
        kernel = np.ones((3, 3), np.uint8)
        inside = (mask > 0) & (cv2.erode(mask, kernel, iterations=4) == 0)
        outside = (mask == 0) & (cv2.dilate(mask, kernel, iterations=4) > 0)
        assert np.median(picture[inside]) > 1.15 * np.median(picture[outside])


def test_otsu_fails(animal):
    """One threshold for all of a scene, the way that needs no thought."""
    found = []
    for section in animal.sections:
        picture = thumbnail_of(animal, section.key)
        # Without the dust, which alone would mislead it.
        picture = np.minimum(picture, np.percentile(picture, 99.5))
        found.append(dice(picture > threshold_otsu(picture), animal.mask(section.key)))
    assert np.median(found) < 0.9


def test_cells_shine_where_the_truth_says(animal):
    cells = animal.cells_um()
    assert len(cells) > 50
    brighter = []
    for section in animal.sections:
        picture = picture_of(animal, section.key, channel=3).astype(np.float32)
        around = cv2.medianBlur(picture.astype(np.uint16), 5)
        for cell in cells[cells[:, 2] == section.z_um]:
            x, y, _ = section.to_scene() @ [cell[0] / animal.pixel_size_um, cell[1] / animal.pixel_size_um, 1]
            brighter.append(picture[round(y), round(x)] - around[round(y), round(x)])
    assert len(brighter) == len(cells)
    assert np.mean(np.array(brighter) > 0) > 0.9


def test_the_same_seed_gives_the_same_pixels_and_another_one_others(tmp_path):
    make = {"sections": 1, "width_px": 300, "height_px": 200}
    first, again, other = (
        make_animal(tmp_path / name, seed=seed, **make) for name, seed in [("a", 3), ("b", 3), ("c", 4)]
    )
    key = "slide001_S1"
    np.testing.assert_array_equal(picture_of(first, key), picture_of(again, key))
    np.testing.assert_array_equal(first.cells_um(), again.cells_um())
    assert first.sections == again.sections != other.sections


def test_the_brain_fills_the_scene_at_any_size(tmp_path):
    truth = make_animal(tmp_path, sections=1, width_px=300, height_px=400)
    assert truth.pixel_size_um == 50.0
    assert truth.thumbnail_factor == 1
    assert 0.2 < truth.mask("slide001_S1").mean() < 0.5


@pytest.mark.parametrize("stain", ["fluorescence", "nissl"])
def test_easy_is_what_is_made_where_no_difficulty_is_named(tmp_path, stain):
    make = {"sections": 2, "width_px": 300, "height_px": 200, "stain": stain}
    default, easy, hard = (
        make_animal(tmp_path / name, **make, **more)
        for name, more in [("a", {}), ("b", {"difficulty": "easy"}), ("c", {"difficulty": "hard"})]
    )
    contents = [truth.czi_files[0].read_bytes() for truth in (default, easy, hard)]
    assert contents[0] == contents[1] != contents[2]
    assert [difficulty_of(truth.folder) for truth in (default, easy, hard)] == ["easy", "easy", "hard"]
    assert all(section.flaws == () for section in default.sections)


def test_a_hard_animals_truth_can_be_read_again(tmp_path):
    truth = make_animal(tmp_path, sections=4, width_px=300, height_px=200, difficulty="hard")
    assert read_truth(tmp_path) == truth
    assert any(section.flaws for section in truth.sections)


def test_a_difficulty_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(ValueError, match="one of easy, middle, hard, found 'awful'"):
        make_animal(tmp_path, difficulty="awful")


def test_progress_is_told(tmp_path):
    told: list[tuple[int, int]] = []
    make_animal(
        tmp_path, sections=2, width_px=300, height_px=200, progress=lambda done, count: told.append((done, count))
    )
    assert told == [(1, 2), (2, 2)]


@pytest.mark.parametrize("sections", [0, 221])
def test_more_sections_than_the_brain_holds_are_refused(tmp_path: Path, sections: int):
    with pytest.raises(ValueError, match="The brain holds 1 to 220 sections"):
        make_animal(tmp_path, sections=sections, **SMALL)


# The command ----------------------------------------------------------------------------------------------------------


def call_demo(monkeypatch: pytest.MonkeyPatch, *words: str) -> str | None:
    """`brainstack demo` with two small sections; returns what it died of."""
    size = ("--sections", "2", "--width-px", "300", "--height-px", "200")
    monkeypatch.setattr(sys, "argv", ["brainstack", "demo", *size, *words])
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    return leaving.value.code if isinstance(leaving.value.code, str) else None


def test_a_stained_animal_is_added_with_its_counterstain(data_root, monkeypatch):
    assert call_demo(monkeypatch, "--stain", "nissl") is None
    with open_database(database_url()) as database:
        assert database.animal_records("DEMO").histology.counterstain == "thionin"
    assert stain_of(animal_folder("DEMO").root) == "nissl"


def test_an_animal_of_another_stain_is_left_as_it_is(data_root, monkeypatch):
    call_demo(monkeypatch)
    slide = animal_folder("DEMO").czi / "DEMO_ID_0001_slide001.czi"
    before = slide.read_bytes()
    said = call_demo(monkeypatch, "--stain", "nissl")
    assert said is not None
    assert "the stain fluorescence, which stays as it is" in said
    assert "another --name" in said
    assert slide.read_bytes() == before
    assert call_demo(monkeypatch, "--stain", "nissl", "--name", "DEMO2") is None
    assert stain_of(animal_folder("DEMO2").root) == "nissl"
