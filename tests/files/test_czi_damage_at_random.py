"""2,000 damaged CZI files: each is read right or refused in a sentence, and none ends, stops or fills the process.

What was done to each follows from its number; `damaging` says what counts as right, and which damage no reader can see.
A failure names the number: `python benchmarks/fuzz_czi.py --seed 1 --only 1234 --keep .` makes that one again.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import damaging
import numpy as np
import pytest
from damaging import (
    DIED,
    FILE_KINDS,
    GOOD,
    HUNG,
    JPEGXR_KINDS,
    KINDS,
    OTHER_ERROR,
    WRONG,
    damaged,
    outcome,
    read_by_brainstack,
    whole_file,
)

INPUTS = 2000
AT_ONCE = 500


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, INPUTS, AT_ONCE))
def test_damage_is_refused_or_does_not_matter(first):
    outcomes = list(damaging.run(range(first, first + AT_ONCE)))
    assert sorted(one.number for one in outcomes) == list(range(first, first + AT_ONCE))
    wrong = [f"{damaged(one.number)}: {one.what}: {one.told}" for one in outcomes if one.what not in GOOD]
    assert not wrong, "\n".join(wrong)


def test_every_kind_of_damage_is_done():
    """As many numbers as there are kinds, one after another, are of each kind; so 2,000 have each sixteen times."""
    assert 16 * len(KINDS) <= INPUTS
    done = {(case.place, case.how) for case in map(damaged, range(len(KINDS)))}
    assert len(done) == len(KINDS)


def test_the_same_number_gives_the_same_damage():
    for number in range(0, len(KINDS), 7):
        assert damaged(number).content == damaged(number).content
    assert any(damaged(number).content != damaged(number, seed=2).content for number in range(10))


@pytest.mark.parametrize("kind", [*FILE_KINDS, *JPEGXR_KINDS], ids=lambda kind: kind.name)
def test_without_damage_every_pixel_comes_back(kind, tmp_path):
    """What damaged files are compared with is right itself: tiles drawn one over the other, in the order of M."""
    whole = whole_file(kind)
    path = tmp_path / "whole.czi"
    path.write_bytes(whole.content)
    found = read_by_brainstack(path)
    assert set(found.pictures) == ({"label", "preview"} if kind.pictures else set())
    assert {scene for scene, _, _ in found.pixels} == {(tile.scene or 0) + 1 for tile in whole.tiles}
    for (scene, channel, planes), pixels in found.pixels.items():
        wanted = drawn(whole.tiles, scene - 1, channel - 1, kind.z if planes == "maximum" else 1)
        np.testing.assert_array_equal(pixels, wanted)


def drawn(tiles, scene, channel, planes):
    own = [tile for tile in tiles if (tile.scene or 0) == scene and tile.channel == channel and tile.zoom == 1]
    left, top = min(tile.x for tile in own), min(tile.y for tile in own)
    right = max(tile.x + tile.pixels.shape[1] for tile in own)
    bottom = max(tile.y + tile.pixels.shape[0] for tile in own)
    pixels = own[0].pixels
    background = 255 if pixels.ndim == 3 else 0
    whole = np.full((planes, bottom - top, right - left, *pixels.shape[2:]), background, pixels.dtype)
    for tile in own:
        if tile.z < planes:
            rows, columns = tile.pixels.shape[:2]
            # Files hold blue, green, red.
            picture = tile.pixels[..., ::-1] if pixels.ndim == 3 else tile.pixels
            whole[tile.z, tile.y - top : tile.y - top + rows, tile.x - left : tile.x - left + columns] = picture
    return whole.max(axis=0)


# The judge ------------------------------------------------------------------------------------------------------------


def pixels_other_than(change, path):
    found = read_by_brainstack(path)
    pixels = {name: one.copy() for name, one in found.pixels.items()}
    if not path.name.startswith("case"):
        return found
    return change(replace(found, pixels=pixels))


def a_case_that_changes_nothing():
    """A hit of bytes that mean nothing: the file is read as before."""
    whole = whole_file(FILE_KINDS[3])
    return replace(damaged(0), whole=whole, content=whole.content)


def one_pixel(reading):
    reading.pixels[1, 2, "first"][5, 5] += 1
    return reading


def one_box(reading):
    ((number, index, x, *rest), *others) = reading.facts["scenes"]
    return replace(reading, facts={**reading.facts, "scenes": [(number, index, x + 1, *rest), *others]})


def one_word(reading):
    return replace(reading, words={**reading.words, "pixel size": (0.5, 0.5)})


def one_picture_less(reading):
    return replace(reading, pictures={"label": reading.pictures["label"]})


def another_picture(reading):
    return replace(reading, pictures={**reading.pictures, "label": reading.pictures["label"] ^ 1})


@pytest.mark.parametrize("change", [one_pixel, one_box, one_word, one_picture_less, another_picture])
def test_the_judge_sees_a_reader_that_is_wrong(change, tmp_path):
    assert outcome(a_case_that_changes_nothing(), partial(pixels_other_than, change), tmp_path).what == WRONG


def test_the_judge_lets_pixels_differ_in_the_tile_that_was_hit_and_nowhere_else(tmp_path):
    case = a_case_that_changes_nothing()
    content = bytearray(case.content)
    content[case.whole.written[0].data_position] ^= 1
    hit = replace(case, content=bytes(content))
    assert outcome(hit, read_by_brainstack, tmp_path).what == "pixels of the tile hit"
    assert outcome(hit, partial(pixels_other_than, one_pixel), tmp_path).what == WRONG


@pytest.mark.parametrize(
    ("reader", "what"),
    [
        (damaging.dies, DIED),
        (damaging.hangs, HUNG),
        (damaging.fills_the_memory, OTHER_ERROR),
        (damaging.throws, OTHER_ERROR),
    ],
)
def test_a_reader_that_fails_in_any_way_is_found_out_with_each_input(reader, what):
    outcomes = sorted(damaging.run(range(3), read=reader, longest_s=1), key=lambda one: one.number)
    assert [(one.number, one.what) for one in outcomes] == [(number, what) for number in range(3)]
