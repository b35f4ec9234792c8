from __future__ import annotations

import shutil
import struct
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import aicspylibczi
import numpy as np
import pytest
import tifffile
from pylibCZIrw import czi as pylibczi

from brainstack.errors import BrainstackError
from brainstack.files.czi import read_slide, read_strips

DATA = Path(__file__).parents[3] / "shared" / "data"

UNCOMPRESSED = "uncompressed:"
ZSTD0 = "zstd0:ExplicitLevel=3"
ZSTD1 = "zstd1:ExplicitLevel=2;PreProcess=HiLoByteUnpack"


class Tile:
    """Random pixels at (x, y) of the slide, never 0, so that what was not scanned can be told from what was."""

    def __init__(self, x, y, width, height, *, scene=0, channel=0, dtype=np.uint16, seed=0):
        self.x, self.y, self.scene, self.channel = x, y, scene, channel
        random = np.random.default_rng([seed, abs(x), abs(y), channel, scene or 0])
        self.pixels = random.integers(1, np.iinfo(dtype).max, (height, width), dtype=dtype, endpoint=True)


def write_czi(path: Path, tiles: Iterable[Tile], *, compression=UNCOMPRESSED, pixel_size_um=0.325) -> Path:
    with pylibczi.create_czi(str(path), compression_options=compression) as writer:
        for tile in tiles:
            place = {} if tile.scene is None else {"scene": tile.scene}
            plane = {"C": tile.channel, "T": 0, "Z": 0}
            writer.write(tile.pixels[..., np.newaxis], location=(tile.x, tile.y), plane=plane, **place)
        metres = pixel_size_um * 1e-6
        writer.write_metadata(path.stem, channel_names={0: "DAPI", 1: "GFP"}, scale_x=metres, scale_y=metres)
    return path


def picture_of(tiles, scene, channel):
    """What the scene must look like: (rows, columns), 0 where there is no tile."""
    own = [tile for tile in tiles if tile.scene == scene]
    left, top = min(tile.x for tile in own), min(tile.y for tile in own)
    right = max(tile.x + tile.pixels.shape[1] for tile in own)
    bottom = max(tile.y + tile.pixels.shape[0] for tile in own)
    picture = np.zeros((bottom - top, right - left), own[0].pixels.dtype)
    for tile in own:
        if tile.channel == channel - 1:
            rows, columns = tile.pixels.shape
            picture[tile.y - top : tile.y - top + rows, tile.x - left : tile.x - left + columns] = tile.pixels
    return picture


def read_scene(path, scene, channel=1, rows=37):
    return np.concatenate(list(read_strips(path, scene, channel, rows)))


def assert_every_pixel(path, tiles):
    slide = read_slide(path)
    indices = sorted({tile.scene for tile in tiles}, key=lambda scene: scene or 0)
    assert len(slide.scenes) == len(indices)
    for scene, index in zip(slide.scenes, indices, strict=True):
        for channel in slide.channels:
            wanted = picture_of(tiles, index, channel.number)
            found = read_scene(path, scene, channel.number)
            assert found.dtype == wanted.dtype
            np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("compression", [UNCOMPRESSED, ZSTD0, ZSTD1])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_every_pixel_comes_back(tmp_path, compression, dtype):
    if compression == ZSTD1 and dtype == np.uint8:
        compression = "zstd1:ExplicitLevel=2"
    tiles = [
        Tile(x, y, 64, 48, scene=scene, channel=channel, dtype=dtype)
        for scene, (left, top) in enumerate([(0, 0), (300, 20), (10, 400)])
        for channel in range(2)
        for x, y in [(left, top), (left + 64, top), (left, top + 48), (left + 64, top + 48)]
    ]
    assert_every_pixel(write_czi(tmp_path / "slide001.czi", tiles, compression=compression), tiles)


def test_scenes_of_one_tile_come_back(tmp_path):
    tiles = [Tile(0, 0, 70, 50), Tile(100, 0, 81, 33, scene=1)]
    assert_every_pixel(write_czi(tmp_path / "slide001.czi", tiles), tiles)


def test_places_may_be_negative_and_far_out(tmp_path):
    tiles = [Tile(-70001, -39003, 65, 47), Tile(-70001 + 65, -39003, 20, 47), Tile(123457, 98765, 33, 21, scene=1)]
    path = write_czi(tmp_path / "slide001.czi", tiles)
    assert [(scene.x, scene.y) for scene in read_slide(path).scenes] == [(-70001, -39003), (123457, 98765)]
    assert_every_pixel(path, tiles)


def test_what_was_not_scanned_is_zero(tmp_path):
    tiles = [Tile(0, 0, 40, 30), Tile(60, 50, 40, 30)]
    path = write_czi(tmp_path / "slide001.czi", tiles)
    found = read_scene(path, read_slide(path).scenes[0])
    assert found.shape == (80, 100)
    assert not found[:50, 60:].any()
    assert not found[30:, :40].any()
    assert_every_pixel(path, tiles)


def test_no_pixel_of_another_scene_leaks_into_an_overlapping_box(tmp_path):
    tiles = [
        *(Tile(0, 0, 40, 30), Tile(80, 60, 40, 30)),
        *(Tile(50, 10, 60, 30, scene=1), Tile(30, 40, 20, 40, scene=1)),
    ]
    assert_every_pixel(write_czi(tmp_path / "slide001.czi", tiles), tiles)


def test_a_file_without_scenes_is_one_scene(tmp_path):
    tiles = [Tile(-5, 7, 40, 30, scene=None), Tile(35, 7, 40, 30, scene=None)]
    path = write_czi(tmp_path / "slide001.czi", tiles)
    (scene,) = read_slide(path).scenes
    assert (scene.number, scene.index, scene.x, scene.y, scene.width, scene.height) == (1, 0, -5, 7, 80, 30)
    assert_every_pixel(path, tiles)


def test_scenes_are_counted_from_one_even_after_some_were_deleted(tmp_path):
    tiles = [Tile(300, 0, 40, 30, scene=5), Tile(0, 0, 41, 30, scene=2)]
    path = write_czi(tmp_path / "slide001.czi", tiles)
    assert [(scene.number, scene.index, scene.width) for scene in read_slide(path).scenes] == [(1, 2, 41), (2, 5, 40)]
    assert_every_pixel(path, tiles)


@pytest.mark.parametrize("rows", [1, 7, 64, 100, 4096])
def test_strips_of_any_height_give_the_same_picture(tmp_path, rows):
    tiles = [Tile(x, y, 50, 40) for x in (0, 50) for y in (0, 40, 80)]
    path = write_czi(tmp_path / "slide001.czi", tiles, compression=ZSTD1)
    scene = read_slide(path).scenes[0]
    strips = list(read_strips(path, scene, 1, rows))
    assert {strip.shape[0] for strip in strips[:-1]} <= {rows}
    np.testing.assert_array_equal(np.concatenate(strips), picture_of(tiles, 0, 1))


def test_a_strip_has_at_least_one_row(tmp_path):
    path = write_czi(tmp_path / "slide001.czi", [Tile(0, 0, 40, 30)])
    with pytest.raises(ValueError, match="at least one row"):
        read_strips(path, read_slide(path).scenes[0], 1, 0)


def test_a_slide_knows_its_names_and_sizes(tmp_path):
    tiles = [Tile(0, 0, 40, 30, channel=channel) for channel in range(3)]
    slide = read_slide(write_czi(tmp_path / "DK39_slide001.czi", tiles))
    assert slide.file_name == "DK39_slide001.czi"
    assert slide.pixel_type == "Gray16"
    assert slide.pixel_size_um == (0.325, 0.325)
    assert [channel.number for channel in slide.channels] == [1, 2, 3]
    assert [channel.name for channel in slide.channels][:2] == ["DAPI", "GFP"]
    # The writer leaves the third without a name of its own.
    assert slide.channels[2].name


def test_a_slide_may_not_know_its_pixel_size(tmp_path):
    path = write_czi(tmp_path / "slide001.czi", [Tile(0, 0, 40, 30)], pixel_size_um=0)
    assert read_slide(path).pixel_size_um is None


# Files that are no good ----------------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    with pytest.raises(BrainstackError) as caught:
        read_slide(path)
    assert path.name in str(caught.value)
    return str(caught.value)


def test_a_missing_file_is_refused(tmp_path):
    assert "is not there" in refused(tmp_path / "slide001.czi")


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "slide001.czi"
    path.touch()
    assert "is empty (0 bytes)" in refused(path)


def test_a_renamed_tiff_is_refused(tmp_path):
    path = tmp_path / "slide001.czi"
    tifffile.imwrite(path, np.zeros((8, 8), np.uint16), photometric="minisblack")
    assert "is not a CZI file: it starts with b'II" in refused(path)


def test_a_text_is_refused(tmp_path):
    path = tmp_path / "slide001.czi"
    path.write_text("no slide")
    assert "is not a CZI file: it starts with b'no slide', wanted b'ZISRAWFILE'" in refused(path)


@pytest.mark.parametrize("compression", [UNCOMPRESSED, ZSTD1])
def test_a_file_cut_anywhere_is_refused(tmp_path, compression):
    tiles = [Tile(40 * column, 0, 40, 30, channel=channel) for column in range(4) for channel in range(2)]
    content = write_czi(tmp_path / "whole.czi", tiles, compression=compression).read_bytes()
    path = tmp_path / "cut.czi"
    # Segments are padded to 32 bytes: from there on nothing is missing.
    for length in [11, 16, 31, 32, 100, 543, 544, 600, *range(1000, len(content) - 32, 997), len(content) - 33]:
        path.write_bytes(content[:length])
        assert "is cut off" in refused(path), length


def test_a_cut_file_with_its_directory_in_front_is_refused(tmp_path):
    """Scanners write it there: such a file opens well."""
    tiles = [Tile(40 * column, 0, 40, 30) for column in range(4)]
    content = with_directory_in_front(write_czi(tmp_path / "whole.czi", tiles).read_bytes())
    path = tmp_path / "front.czi"
    path.write_bytes(content)
    assert_every_pixel(path, tiles)
    for missing in (33, 700, 5000):
        path.write_bytes(content[:-missing])
        assert "is cut off" in refused(path), missing


def with_directory_in_front(content: bytes) -> bytes:
    """The same CZI with the segments of its directory and metadata before those of its tiles."""
    directory, metadata = struct.unpack_from("<qq", content, 84)

    def segment(position):
        (allocated,) = struct.unpack_from("<q", content, position + 16)
        return content[position : position + 32 + allocated]

    moved = [bytearray(segment(directory)), bytearray(segment(metadata))]
    by = len(moved[0]) + len(moved[1])
    tiles = bytearray(content[544 : min(directory, metadata)])
    (count,) = struct.unpack_from("<i", moved[0], 32)
    at = 160
    for _ in range(count):
        (position,) = struct.unpack_from("<q", moved[0], at + 6)
        struct.pack_into("<q", moved[0], at + 6, position + by)
        struct.pack_into("<q", tiles, position - 544 + 32 + 16 + 6, position + by)
        at += 32 + 20 * struct.unpack_from("<i", moved[0], at + 28)[0]
    header = bytearray(content[:544])
    struct.pack_into("<qq", header, 84, 544, 544 + len(moved[0]))
    return bytes(header + moved[0] + moved[1] + tiles)


def test_a_file_that_was_never_finished_is_refused(tmp_path):
    content = bytearray(write_czi(tmp_path / "whole.czi", [Tile(0, 0, 40, 30)]).read_bytes())
    struct.pack_into("<qq", content, 84, 0, 0)
    path = tmp_path / "unfinished.czi"
    path.write_bytes(content)
    assert "is cut off or was never finished: it has no directory of its tiles" in refused(path)


def test_damaged_pixels_are_refused(tmp_path):
    tile = Tile(0, 0, 400, 300)
    # Noise cannot be compressed and is stored as it is, where no reader can see damage.
    tile.pixels[:] = np.cumsum(tile.pixels % 7).reshape(tile.pixels.shape)
    path = write_czi(tmp_path / "slide001.czi", [tile], compression=ZSTD1)
    scene = read_slide(path).scenes[0]
    content = bytearray(path.read_bytes())
    # From the header of the compressed tile on.
    start = content.index(b"\x28\xb5\x2f\xfd")
    content[start : start + 2000] = bytes(2000)
    path.write_bytes(content)
    with pytest.raises(BrainstackError, match=r"slide001\.czi is damaged"):
        read_scene(path, scene)


def test_damaged_metadata_is_refused(tmp_path):
    path = write_czi(tmp_path / "slide001.czi", [Tile(0, 0, 40, 30)])
    path.write_bytes(path.read_bytes().replace(b"<Metadata>", b"<Metadata?", 1))
    assert "is damaged" in refused(path)


def test_a_channel_that_is_not_there_is_refused(tmp_path):
    path = write_czi(tmp_path / "slide001.czi", [Tile(0, 0, 40, 30, channel=channel) for channel in range(2)])
    scene = read_slide(path).scenes[0]
    for channel in (0, 3):
        with pytest.raises(BrainstackError, match=rf"no channel {channel}; its channels are 1 \(DAPI\), 2 \(GFP\)"):
            read_strips(path, scene, channel, 10)


def test_a_scene_that_is_not_there_is_refused(tmp_path):
    path = write_czi(tmp_path / "slide001.czi", [Tile(0, 0, 40, 30)])
    scene = replace(read_slide(path).scenes[0], width=41)
    with pytest.raises(BrainstackError, match="no scene 1 of 41 x 30 pixels"):
        read_strips(path, scene, 1, 10)


def test_channels_of_different_types_are_refused(tmp_path):
    tiles = [Tile(0, 0, 40, 30), Tile(0, 0, 40, 30, channel=1, dtype=np.uint8)]
    assert "has pixels of type Gray16 and Gray8" in refused(write_czi(tmp_path / "slide001.czi", tiles))


# Real slides ---------------------------------------------------------------------------------------------------------


def real(name: str) -> Path:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{path} is not there; it is one of the real slides that are not part of the project")
    return path


REAL_SLIDES = [
    *("czi_real/S3_1Pos_2Mosaic_T2_Z3_CH2_sm.czi", "czi_real/mosaic_test.czi", "czi_real/DAPI_GFP.czi"),
    *("czi_real/CellDivision_T3_Z5_CH2_X240_Y170.czi", "czi_real/CellDivision_T3_Z5_CH2_X240_Y170_comp1.czi"),
    *(f"slides_abba/abba_slide_0{number}.czi" for number in range(1, 5)),
]


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL_SLIDES)
def test_two_readers_see_the_same_in_real_slides(name, request):
    path = real(name)
    other = aicspylibczi.CziFile(path)
    request.addfinalizer(other._bytes.close)  # it has no close of its own
    first = {dimension: 0 for dimension in "ZT" if dimension in other.dims}
    slide = read_slide(path)
    for scene in slide.scenes:
        for channel in slide.channels:
            found = read_scene(path, scene, channel.number, rows=100)
            if other.is_mosaic():
                box = other.get_mosaic_scene_bounding_box(index=scene.index)
                assert (box.x, box.y, box.w, box.h) == (scene.x, scene.y, scene.width, scene.height)
                wanted = other.read_mosaic((box.x, box.y, box.w, box.h), C=channel.number - 1, scale_factor=1, **first)
            else:
                one = {"S": scene.index} if "S" in other.dims else {}
                wanted, _ = other.read_image(C=channel.number - 1, **one, **first)
            np.testing.assert_array_equal(found, np.squeeze(wanted))


@pytest.mark.real_data
def test_a_real_slide_tells_of_its_scan():
    slide = read_slide(real("czi_real/S3_1Pos_2Mosaic_T2_Z3_CH2_sm.czi"))
    assert [channel.name for channel in slide.channels] == ["DAPI", "EGFP"]
    assert slide.pixel_size_um == (1.6, 1.6)
    assert slide.objective == "Plan-Apochromat 5x/0.35"
    assert slide.acquired_at == "2021-06-15T06:09:43.0304818Z"


@pytest.mark.real_data
def test_two_readers_see_the_same_in_a_real_colour_scan(request):
    path = real("czi_real/RGB-8bit.czi")
    other = aicspylibczi.CziFile(path)
    request.addfinalizer(other._bytes.close)
    slide = read_slide(path)
    assert slide.pixel_type == "Bgr24"
    blue_first = np.squeeze(other.read_image(C=0)[0])
    np.testing.assert_array_equal(read_scene(path, slide.scenes[0], rows=100), blue_first[..., ::-1])


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["czi_real/mosaic_test.czi", "czi_real/S3_1Pos_2Mosaic_T2_Z3_CH2_sm.czi"])
def test_a_real_slide_cut_in_the_middle_is_refused(tmp_path, name):
    path = tmp_path / "slide001.czi"
    shutil.copyfile(real(name), path)
    for share in (0.9, 0.5, 0.1):
        with path.open("r+b") as file:
            file.truncate(int(path.stat().st_size * share))
        assert "is cut off" in refused(path)
