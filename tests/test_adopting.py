"""A folder that the lab's scripts made is taken in: what is right is not made again, what is not is said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from by_hand import write_slide
from numpy.typing import NDArray
from typer.testing import CliRunner

from brainstack import adopting, cli
from brainstack.adding import add_animal
from brainstack.adopting import adopt
from brainstack.animal_folder import AnimalFolder
from brainstack.deciding import Change, change_animal
from brainstack.errors import BrainstackError
from brainstack.files.czi import read_slide, read_strips
from brainstack.files.tiff import read_tiff
from brainstack.locking import locked
from brainstack.planning import make_plan, progress_of, take_in
from brainstack.records import Animal, Histology, ScanRun
from brainstack.stamps import Step

ROWS, COLUMNS, FACTOR = 48, 64, 10
MASK_SHAPE = (5, 7)  # 48 / 10 and 64 / 10, rounded up


@pytest.fixture
def folder(data_root: Path) -> AnimalFolder:
    """DK39 as the lab's scripts left it after create_tifs: two slides of two scenes, two channels; 48 x 64 pixels."""
    folder = AnimalFolder(data_root / "DK39")
    for number in (1, 2):
        write_slide(folder.czi / f"DK39_slide{number:03d}.czi")
    add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", ""), folder.czi, FACTOR)
    for czi in sorted(folder.czi.glob("*.czi")):
        for scene in read_slide(czi).scenes:
            for channel in (1, 2):
                (image,) = read_strips(czi, scene, channel, ROWS)
                write(folder.tif(f"{czi.stem}_S{scene.number}_C{channel}.tif"), image)
    return folder


def write(path: Path, image: NDArray[np.generic]) -> None:
    """As the lab's tools do: big endian, in strips."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, image, byteorder=">", bigtiff=True, compression="lzw", rowsperstrip=1)


def disc(shape: tuple[int, int] = MASK_SHAPE) -> NDArray[np.uint8]:
    mask = np.zeros(shape, np.uint8)
    mask[1:4, 1:5] = 255
    return mask


def write_masks(folder: Path, count: int = 4) -> None:
    """Each differs from the others in its last pixel but one row."""
    for number in range(count):
        mask = disc()
        mask[0, number] = 255
        write(folder / f"{number:03d}.tif", mask)


def files(folder: AnimalFolder) -> dict[str, bytes]:
    """All of the animal but what says when and by whom: stamps' file names hold the process, the lock too."""
    apart = (folder.lock, folder.inside / "records", folder.stamps)
    return {
        str(path.relative_to(folder.root)): path.read_bytes()
        for path in sorted(folder.root.rglob("*"))
        if path.is_file() and not any(path.is_relative_to(one) for one in apart)
    }


def done(stage: str) -> int:
    progress = progress_of(make_plan("DK39"))
    return sum(progress.is_done(step) for step in progress.plan.steps(stage))


# TIFFs


def test_right_tiffs_are_adopted_and_not_touched(folder: AnimalFolder) -> None:
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.root.glob("tif/*.tif")}

    found = adopt("DK39")

    assert (found.slides.adopted, found.tifs.adopted, found.sentences) == (2, 8, [])
    assert (done("Meta"), done("Tifs")) == (2, 4)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in before} == before


def test_thumbnails_and_pictures_are_made_of_them(folder: AnimalFolder) -> None:
    name = "DK39_slide002_S1_C2.tif"
    scan = read_tiff(folder.tif(name)).astype(float)

    adopt("DK39")

    thumbnail = read_tiff(folder.tif_thumbnail(name))
    assert thumbnail.shape == MASK_SHAPE
    assert thumbnail[0, 0] == round(scan[:10, :10].mean())
    assert thumbnail[4, 6] == round(scan[40:, 60:].mean()), "the rest at the edge has a pixel of its own"
    assert folder.scene_picture(name).exists()


def test_adopting_twice_changes_nothing(folder: AnimalFolder) -> None:
    write_masks(folder.root / "preps" / "thumbnail_masked")
    adopt("DK39")
    before = files(folder)

    found = adopt("DK39")

    assert (found.slides.before, found.tifs.before, found.masks.before) == (2, 8, 4)
    assert (found.slides.adopted, found.tifs.adopted, found.masks.adopted) == (0, 0, 0)
    assert files(folder) == before


def test_a_dry_run_says_the_same_and_writes_nothing(folder: AnimalFolder) -> None:
    write_masks(folder.root / "preps" / "masks" / "thumbnail_masked")
    write(folder.tif("DK39_slide001_S1_C1.tif"), np.zeros((5, 5), np.uint16))
    before = files(folder)

    looked = adopt("DK39", dry=True)

    assert files(folder) == before
    assert not folder.lock.exists()
    real = adopt("DK39")
    assert (looked.slides, looked.tifs, looked.masks) == (real.slides, real.tifs, real.masks)
    assert (looked.sentences, looked.moved) == (real.sentences, real.moved)


@pytest.mark.parametrize("after", range(1, 12))
def test_a_kill_in_the_middle_and_again_gives_the_same(
    folder: AnimalFolder, after: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_masks(folder.root / "preps" / "masks" / "thumbnail_masked")
    write(folder.tif_thumbnail("DK39_slide001_S2_C1.tif"), np.zeros((2, 2), np.uint16))
    calls = []

    def interrupted(*things: object, **named: object) -> None:
        calls.append(1)
        if len(calls) == after:
            raise KeyboardInterrupt
        write_tiff(*things, **named)

    write_tiff = adopting.write_tiff
    for module in ("adopting", "adopting_masks"):
        monkeypatch.setattr(f"brainstack.{module}.write_tiff", interrupted)
    with pytest.raises(KeyboardInterrupt):
        adopt("DK39")
    adopt("DK39")

    assert (done("Meta"), done("Tifs")) == (2, 4)
    assert len(list(folder.edit("x").parent.iterdir())) == 4
    assert read_tiff(folder.lab(folder.tif_thumbnail("DK39_slide001_S2_C1.tif"))).shape == (2, 2)
    assert not list(folder.root.rglob(".part-*"))


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((48, 60), np.uint16), "found 48 x 60 pixels of uint16, wanted 48 x 64 pixels"),
        (
            np.zeros((48, 64), np.uint8),
            "found 48 x 64 pixels of uint8, wanted 48 x 64 pixels (rows x columns) of uint16",
        ),
        (np.zeros((48, 64, 3), np.uint16), "found 48 x 64 x 3 pixels"),
    ],
)
def test_a_tiff_of_another_size_or_type_is_refused(folder: AnimalFolder, image: NDArray[np.generic], said: str) -> None:
    write(folder.tif("DK39_slide001_S1_C1.tif"), image)

    found = adopt("DK39")

    assert (found.tifs.adopted, found.tifs.to_make, found.tifs.refused) == (6, 2, 1)
    assert said in found.sentences[0]
    assert "slide001 channel 1: 1 of its 2 TIFFs are right, and are made again" in found.sentences[1]
    assert done("Tifs") == 3


def test_a_tiff_that_is_cut_off_missing_or_no_tiff_is_refused(folder: AnimalFolder) -> None:
    cut, missing, other = (folder.tif(f"DK39_slide001_S{s}_C{c}.tif") for s, c in ((1, 1), (2, 1), (1, 2)))
    cut.write_bytes(cut.read_bytes()[:-500])
    missing.unlink()
    other.write_bytes(b"no TIFF")

    found = adopt("DK39")

    assert (found.tifs.adopted, found.tifs.to_make, found.tifs.refused) == (4, 4, 2)
    said = "\n".join(found.sentences)
    assert f"{cut}: it is cut off" in said
    assert f"{missing} is not there; wanted 48 x 64 pixels" in said
    assert f"{other}: not a TIFF file" in said
    assert all("the next run makes it from the slide scan" in one for one in found.sentences if one.startswith("/"))


def test_pixels_that_are_damaged_are_found_when_the_thumbnail_is_made(folder: AnimalFolder) -> None:
    path = folder.tif("DK39_slide001_S1_C1.tif")
    with tifffile.TiffFile(path) as file:
        offset = file.pages.first.dataoffsets[2]
    content = bytearray(path.read_bytes())
    content[offset : offset + 60] = b"\xff" * 60
    path.write_bytes(content)

    found = adopt("DK39")

    assert found.tifs.refused == 1
    assert found.sentences[0].startswith(f"{path}: ")
    assert done("Tifs") == 3


def test_tiffs_of_the_lab_s_later_layout_are_linked(folder: AnimalFolder) -> None:
    later = folder.root / "preps" / "tif"
    later.parent.mkdir()
    (folder.root / "tif").rename(later)

    found = adopt("DK39")

    assert (found.tifs.adopted, done("Tifs")) == (8, 4)
    link = folder.tif("DK39_slide001_S1_C1.tif")
    assert link.is_symlink()
    assert link.samefile(later / link.name)


def test_a_thumbnail_of_the_lab_is_kept_aside(folder: AnimalFolder) -> None:
    path = folder.tif_thumbnail("DK39_slide001_S1_C1.tif")
    write(path, np.full(MASK_SHAPE, 7, np.uint16))

    adopt("DK39")

    assert read_tiff(path).max() > 7
    assert (read_tiff(folder.root / "preps" / "lab" / "tif" / "thumbnail" / path.name) == 7).all()


def test_what_brainstack_made_of_an_older_scan_is_not_adopted(folder: AnimalFolder) -> None:
    """The TIFFs fit by their size, and show the slide that was scanned before."""
    adopt("DK39")
    (folder.czi / "DK39_slide001.czi").unlink()
    write_slide(folder.czi / "DK39_slide001.czi", pixel_um=10.001)

    found = adopt("DK39")

    assert (found.slides.adopted, found.slides.before) == (1, 1)
    assert (found.tifs.adopted, found.tifs.before, found.tifs.to_make) == (0, 4, 4)


def test_a_damaged_slide_is_said_and_the_others_are_adopted(folder: AnimalFolder) -> None:
    (folder.czi / "DK39_slide002.czi").write_bytes(b"nothing of use")

    found = adopt("DK39")

    assert (found.slides.adopted, found.slides.refused, found.tifs.adopted) == (1, 1, 4)
    assert "is not a CZI file" in found.sentences[0]


# Masks


@pytest.mark.parametrize("place", ["preps/thumbnail_masked", "preps/masks/CH1/thumbnail_masked",
                                   "preps/masks/thumbnail_masked"])  # fmt: skip
def test_masks_become_the_edits_of_their_sections(folder: AnimalFolder, place: str) -> None:
    write_masks(folder.root / place)

    found = adopt("DK39")

    assert (found.masks.adopted, found.masks.refused) == (4, 0)
    for number, key in enumerate(["slide001_S1", "slide001_S2", "slide002_S1", "slide002_S2"]):
        assert read_tiff(folder.edit(key))[0].tolist() == [255 * (column == number) for column in range(7)]
    plan, _ = take_in("DK39")
    assert len(plan.edits) == 4
    assert plan.refused == {}


def test_masks_follow_the_order_of_the_sections(folder: AnimalFolder) -> None:
    change_animal("DK39", Change(side_sectioned_first="DESC"))
    write_masks(folder.root / "preps" / "thumbnail_masked")

    adopt("DK39")

    assert read_tiff(folder.edit("slide002_S2"))[0, 0] == 255


def test_more_or_fewer_masks_than_sections_are_refused(folder: AnimalFolder) -> None:
    write_masks(folder.root / "preps" / "masks" / "thumbnail_masked", count=3)

    found = adopt("DK39")

    assert (found.masks.adopted, found.masks.refused) == (0, 1)
    assert "has 3 masks, but DK39 has 4 sections that are not gaps" in found.sentences[0]
    assert not folder.edit("x").parent.exists()

    change_animal("DK39", Change(slide=2, scene=1, qc=2))
    assert adopt("DK39").masks.adopted == 3
    assert read_tiff(folder.edit("slide002_S2"))[0, 2] == 255


def test_a_hole_in_the_numbers_is_refused(folder: AnimalFolder) -> None:
    masks = folder.root / "preps" / "thumbnail_masked"
    write_masks(masks)
    (masks / "003.tif").rename(masks / "004.tif")

    assert "has a mask 004.tif out of the row" in adopt("DK39").sentences[0]


def test_a_mask_that_cannot_be_used_is_said_and_can_be_mended(folder: AnimalFolder) -> None:
    masks = folder.root / "preps" / "thumbnail_masked"
    write_masks(masks)
    write(masks / "001.tif", disc((9, 9)))

    found = adopt("DK39")

    assert (found.masks.adopted, found.masks.refused) == (3, 1)
    assert "001.tif is 9 x 9 pixels (rows x columns) but its section is 5 x 7" in found.sentences[0]

    write(masks / "001.tif", disc())
    found = adopt("DK39")
    assert (found.masks.adopted, found.masks.before) == (1, 3)


def test_where_most_masks_do_not_fit_none_is_taken(folder: AnimalFolder) -> None:
    masks = folder.root / "preps" / "thumbnail_masked"
    write_masks(masks)
    for number in range(3):
        write(masks / f"{number:03d}.tif", disc((9, 9)))

    found = adopt("DK39")

    assert (found.masks.adopted, len(found.sentences)) == (0, 1)
    assert "the order of the sections is probably another" in found.sentences[0]


def test_a_mask_of_the_lab_s_rounding_is_brought_to_the_thumbnail_s_size(folder: AnimalFolder) -> None:
    """48 x 64 pixels are 4.8 x 6.4 thumbnail pixels: 5 x 7 here, 5 x 6 where sizes are rounded to the nearest."""
    masks = folder.root / "preps" / "thumbnail_masked"
    write_masks(masks)
    write(masks / "000.tif", disc((5, 6)))

    assert adopt("DK39").masks.adopted == 4
    assert read_tiff(folder.edit("slide001_S1")).shape == MASK_SHAPE


def test_an_edit_that_is_there_is_not_replaced(folder: AnimalFolder) -> None:
    write_masks(folder.root / "preps" / "thumbnail_masked")
    adopt("DK39")
    mended = np.full(MASK_SHAPE, 255, np.uint8)
    write(folder.edit("slide001_S1"), mended)

    adopt("DK39")

    assert (read_tiff(folder.edit("slide001_S1")) == mended).all()


def test_once_adopted_a_mask_stays_with_its_section_when_the_order_changes(folder: AnimalFolder) -> None:
    masks = folder.root / "preps" / "thumbnail_masked"
    write_masks(masks)
    write(masks / "001.tif", disc((9, 9)))
    adopt("DK39")
    change_animal("DK39", Change(side_sectioned_first="DESC"))
    write(masks / "001.tif", disc())

    adopt("DK39")

    assert folder.edit("slide001_S2").exists()


# What stands where brainstack's files will be


def test_numbered_files_of_the_lab_are_moved_aside(folder: AnimalFolder) -> None:
    preps, images = folder.root / "preps", ["CH1/full", "CH1/thumbnail", "CH2/normalized", "CH1/thumbnail_aligned"]
    for image in images:
        write_masks(preps / image)
    write(preps / "CH1" / "thumbnail" / "notes.tif", disc())
    volume = folder.volume(1)
    volume.mkdir(parents=True)
    (volume / "info").write_text("the lab's")

    found = adopt("DK39")

    for image in images:
        assert len(list((preps / "lab" / image).iterdir())) == 4
        assert (preps / image, preps / "lab" / image) in found.moved
    assert [path.name for path in (preps / "CH1" / "thumbnail").iterdir()] == ["notes.tif"]
    assert (preps / "lab" / "neuroglancer_data" / "C1T" / "info").read_text() == "the lab's"


def test_nothing_is_moved_over_what_is_there(folder: AnimalFolder) -> None:
    write_masks(folder.root / "preps" / "CH1" / "full", count=1)
    write_masks(folder.root / "preps" / "lab" / "CH1" / "full", count=1)

    found = adopt("DK39")

    assert found.moved == []
    assert "is there already; move one away" in found.sentences[0]
    assert (folder.root / "preps" / "CH1" / "full" / "000.tif").exists()


# The command


def test_an_animal_that_is_being_run_is_left_alone(folder: AnimalFolder) -> None:
    with locked(folder), pytest.raises(BrainstackError, match="is being run by"):
        adopt("DK39")


def test_an_unknown_animal_is_said(folder: AnimalFolder) -> None:
    with pytest.raises(BrainstackError, match="There is no animal"):
        adopt("DK40")


def test_the_command_shows_a_table(folder: AnimalFolder) -> None:
    folder.tif("DK39_slide001_S1_C1.tif").unlink()

    looked = CliRunner().invoke(cli.app, ["adopt", "DK39", "--dry-run"], catch_exceptions=False)
    result = CliRunner().invoke(cli.app, ["adopt", "DK39"], catch_exceptions=False)

    assert "would be adopted" in looked.output
    row = next(line for line in result.output.splitlines() if "TIFFs" in line and "│" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["TIFFs", "6", "0", "2", "0"]
    assert "luigi --module tasks Animal --animal DK39" in result.output
    assert progress_of(make_plan("DK39")).is_done(Step("Tifs", 2, "DK39_slide001"))
