"""OME-Zarr, against the specification's models, and read back by tensorstore and by zarr."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import zarr
from ome_zarr_models.v05 import Image
from planes import levels_of, renders, section

from brainstack.files import ome_zarr
from brainstack.files.ome_xml import OmeChannel
from brainstack.files.ome_zarr import OmeZarrLayout
from brainstack.files.volume_info import lay_out
from brainstack.images.halving import halve_volume

SHAPE = (3, 150, 101)
"""Sections, rows, columns: three planes of 10 x 10 um, 25 um apart. x and y are halved once, then z as well."""
GREEN, RED = OmeChannel("GFP & more", "#00ff00", (20, 180)), OmeChannel("Cy5", "#ff0000", (0, 255))


@pytest.fixture(autouse=True, scope="module")
def small_shards() -> Iterator[None]:
    """Of several chunks, and several in a plane."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ome_zarr, "CHUNK_PX", 16)
        patch.setattr(ome_zarr, "SHARD_PX", 64)
        yield


def layout_of(
    channels: int = 2, dtype: str = "uint16", voxel_um: tuple[float, float, float] = (10, 10, 25)
) -> OmeZarrLayout:
    volume = lay_out(
        SHAPE, data_type=dtype, num_channels=1, voxel_size_um=voxel_um, chunk_size=(64, 64, 64),
        largest_plain_chunks=10, gzip=False, smallest_side_px=20,
    )  # fmt: skip
    return OmeZarrLayout(volume.scales, channels, dtype)


def write_image(
    path: Path, layout: OmeZarrLayout, planes: dict[int, list[np.ndarray]], background: tuple[int, ...]
) -> None:
    """planes : slot -> a plane for each channel."""
    path.mkdir()
    ome_zarr.start_image(path, layout)
    for slot in range(SHAPE[0]):
        if slot not in planes:
            ome_zarr.fill_section(path, layout, slot, background)
            continue
        one = path.with_name(f"section_{slot}")
        ome_zarr.write_section(one, layout, (renders(plane, background) for plane in planes[slot]), background)
        ome_zarr.place_section(one, path, slot, layout.levels_in_plane)
    ome_zarr.make_deep_levels(path, layout)
    names = [GREEN, RED] if layout.channels == 2 else [OmeChannel(name, "#ff0000", (0, 255)) for name in "rgb"]
    ome_zarr.describe_image(path, layout, "a brain", names)


def by_tensorstore(path: Path, level: int) -> np.ndarray:
    import tensorstore

    spec = {"driver": "zarr3", "kvstore": (path / str(level)).as_uri() + "/"}
    return np.asarray(tensorstore.open(spec, read=True).result()[...].read().result())


@pytest.fixture(scope="module")
def grey(tmp_path_factory: pytest.TempPathFactory, small_shards: None) -> tuple[Path, np.ndarray]:
    """An image whose middle section is a gap, and its first level (c, z, y, x)."""
    path = tmp_path_factory.mktemp("grey") / "brain.ome.zarr"
    planes = {slot: [section(10 * slot + channel, SHAPE[1:]) for channel in range(2)] for slot in (0, 2)}
    write_image(path, layout_of(), planes, (0,))
    gap = [np.zeros(SHAPE[1:], np.uint16)] * 2
    return path, np.stack([planes[0], gap, planes[2]], axis=1)


def test_two_readers_find_the_pixels_and_the_means_of_them(grey: tuple[Path, np.ndarray]) -> None:
    path, wanted = grey
    layout = layout_of()
    assert layout.levels_in_plane == 2
    assert len(layout.scales) == 4
    for level, scale in enumerate(layout.scales):
        if level:
            wanted = np.stack([halve_volume(one, scale.factor_xyz) for one in wanted])
        np.testing.assert_array_equal(by_tensorstore(path, level), wanted)
        np.testing.assert_array_equal(zarr.open_array(path, path=str(level), mode="r")[...], wanted)
    assert wanted.any()


def test_it_is_as_the_specification_wants_it(grey: tuple[Path, np.ndarray]) -> None:
    image = Image.from_zarr(zarr.open_group(grey[0], mode="r"))
    multiscale = image.attributes.ome.multiscales[0]
    assert image.attributes.ome.version == "0.5"
    um = [("space", "micrometer")] * 3
    assert [(one.type, one.unit) for one in multiscale.axes] == [("channel", None), *um]
    assert [one.name for one in multiscale.axes] == ["c", "z", "y", "x"]
    assert json.loads((grey[0] / "0" / "zarr.json").read_text())["dimension_names"] == ["c", "z", "y", "x"]


def test_levels_lie_on_one_another(grey: tuple[Path, np.ndarray]) -> None:
    """The left edge of the first voxel, half a voxel before its centre, is in one place at all levels."""
    attributes = json.loads((grey[0] / "zarr.json").read_text())["attributes"]["ome"]
    sizes = []
    for dataset in attributes["multiscales"][0]["datasets"]:
        scale, translation = (one[one["type"]] for one in dataset["coordinateTransformations"])
        sizes.append(scale[1:])
        assert scale[0] == 1
        edges = np.array(translation[1:]) - np.array(scale[1:]) / 2
        np.testing.assert_allclose(edges, [-12.5, -5, -5])
    assert sizes == [[25, 10, 10], [25, 20, 20], [50, 40, 40], [100, 80, 80]]


def test_viewers_are_told_names_colours_and_contrast(grey: tuple[Path, np.ndarray]) -> None:
    found = json.loads((grey[0] / "zarr.json").read_text())["attributes"]["ome"]["omero"]
    assert [(one["label"], one["color"], one["window"]) for one in found["channels"]] == [
        ("GFP & more", "00FF00", {"min": 0, "max": 65535, "start": 20, "end": 180}),
        ("Cy5", "FF0000", {"min": 0, "max": 65535, "start": 0, "end": 255}),
    ]
    assert found["rdefs"]["defaultZ"] == 1


def test_a_shard_is_a_file_and_one_of_background_is_none(grey: tuple[Path, np.ndarray]) -> None:
    """Of 150 x 101 pixels, three shards down and two across; tissue from row 75 and column 50 on."""
    files = {str(file.relative_to(grey[0] / "0" / "c")) for file in (grey[0] / "0" / "c").rglob("*") if file.is_file()}
    assert files == {f"{c}/{z}/{row}/{column}" for c in "01" for z in "02" for row in "12" for column in "01"}


def test_the_files_of_a_section_are_not_copied(grey: tuple[Path, np.ndarray]) -> None:
    assert (grey[0] / "0/c/1/2/2/1").samefile(grey[0].parent / "section_2/0/c/1/0/2/1")


def test_where_a_disk_knows_no_second_name_the_files_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Path) -> None:
        raise OSError("not on this disk")

    monkeypatch.setattr("os.link", refuse)
    (tmp_path / "a").write_bytes(b"shard")
    ome_zarr.link_or_copy(tmp_path / "a", tmp_path / "new" / "b")
    assert (tmp_path / "new" / "b").read_bytes() == b"shard"


def test_colours_are_three_channels_and_gaps_have_the_colour_of_the_glass(tmp_path: Path) -> None:
    glass = (240, 235, 233)
    planes = {slot: [section(slot, SHAPE[1:], glass, "uint8")] for slot in (0, 1)}
    path, layout = tmp_path / "brain.ome.zarr", layout_of(3, "uint8", (20, 20, 100))
    write_image(path, layout, planes, glass)
    gap = np.broadcast_to(np.array(glass, np.uint8), (*SHAPE[1:], 3))
    for level in range(layout.levels_in_plane):
        stack = np.stack([levels_of(one, level + 1)[-1] for one in (planes[0][0], planes[1][0], gap)])
        np.testing.assert_array_equal(by_tensorstore(path, level), np.moveaxis(stack, -1, 0))
    assert Image.from_zarr(zarr.open_group(path, mode="r"))
