"""The whole animal, by the command that a lab types, against the made-up animal's truth."""

from __future__ import annotations

import json
import signal
import urllib.request
from itertools import pairwise

import numpy as np
from lab import Counted, Lab, asked, luigid

from brainstack.database import open_database
from brainstack.demo import read_truth
from brainstack.demo.measuring import as_scanned, pair_error_px
from brainstack.files.tiff import read_tiff
from brainstack.files.transforms import read_transforms
from brainstack.files.volume_info import read_volume_info
from brainstack.geometry import inverse, rigid
from brainstack.images.cleaning import cleaning_matrix
from brainstack.images.planes import dice


def test_masks_are_near_the_truth(finished: Lab) -> None:
    truth = read_truth(finished.folder.root)
    found = [dice(mask_of(finished, one.key), truth.mask(one.key)) for one in truth.sections]
    assert np.median(found) >= 0.95
    assert min(found) >= 0.9


def test_pairs_lie_within_half_a_thumbnail_pixel(finished: Lab) -> None:
    truth = read_truth(finished.folder.root)
    keys = [section.key for section in truth.sections]
    canvas = canvas_of(finished)
    errors = []
    for fixed, moving in pairwise(keys):
        pair = json.loads(finished.folder.pair_in_force(f"{fixed}..{moving}").read_text())
        side_um = truth.pixel_size_um * truth.thumbnail_factor
        matrix = rigid(pair["rotation_rad"], pair["shift_x_um"] / side_um, pair["shift_y_um"] / side_um, canvas)
        placed = [cleaning_matrix(mask_of(finished, key), 0, "none", canvas) for key in (fixed, moving)]
        errors.append(pair_error_px(truth, fixed, moving, as_scanned(matrix, *placed)))
    assert np.median(errors) <= 0.5
    assert max(errors) <= 1.5


def test_transforms_csv_takes_the_aligned_canvas_to_each_cleaned_section(finished: Lab) -> None:
    """A pair's map follows from the two sections' rows, whatever the canvas."""
    truth = read_truth(finished.folder.root)
    matrices, canvas = read_transforms(finished.folder.transforms), canvas_of(finished)
    keys = [section.key for section in truth.sections]
    assert list(matrices) == keys
    errors = []
    for fixed, moving in pairwise(keys):
        pair = matrices[moving] @ inverse(matrices[fixed])
        placed = [cleaning_matrix(mask_of(finished, key), 0, "none", canvas) for key in (fixed, moving)]
        errors.append(pair_error_px(truth, fixed, moving, as_scanned(pair, *placed)))
    assert np.median(errors) <= 0.5


def test_the_volume_holds_the_aligned_sections(finished: Lab) -> None:
    from cloudvolume import CloudVolume

    for channel in (1, 2, 3):
        folder = finished.folder.volume(channel)
        volume = np.asarray(CloudVolume(folder.as_uri(), mip=0, progress=False, fill_missing=True)[:])[..., 0]
        for number in range(8):
            aligned = read_tiff(finished.folder.root / f"preps/CH{channel}/thumbnail_aligned/{number:03d}.tif")
            np.testing.assert_array_equal(volume[:, :, number].T, aligned)
        truth = read_truth(finished.folder.root)
        side_um = truth.pixel_size_um * truth.thumbnail_factor
        assert read_volume_info(folder).voxel_size_um == (side_um, side_um, truth.spacing_um)


def test_brightness_keeps_its_order_as_one_gain_serves_all_sections(finished: Lab) -> None:
    """The same factor for every section: thumbnail times gain is cleaned, rounded and cut at white."""
    gain = json.loads(finished.folder.small("gain_C1").read_text())["gain"]
    for section in read_truth(finished.folder.root).sections:
        thumbnail = read_tiff(finished.folder.tif_thumbnail(f"{section.slide}_S{section.scene}_C1.tif"))
        expected = np.minimum(np.rint(thumbnail[mask_of(finished, section.key)] * gain), 65535)
        cleaned = read_tiff(finished.folder.keyed("thumbnail_cleaned", section.key, 1))
        assert np.sort(cleaned[cleaned > 0]).tolist() == np.sort(expected[expected > 0]).astype(int).tolist()


def test_the_layout_is_the_labs(finished: Lab) -> None:
    root = finished.folder.root
    for channel in (1, 2, 3):
        for kind in ("full", "thumbnail", "normalized", "thumbnail_cleaned", "thumbnail_aligned"):
            names = sorted(path.name for path in (root / f"preps/CH{channel}" / kind).iterdir())
            assert names == [f"{number:03d}.tif" for number in range(8)], kind
        assert (root / f"histogram/CH{channel}/DEMO.png").is_file()
        assert (root / f"histogram/CH{channel}/000.png").is_file()
        assert (root / f"neuroglancer_data/C{channel}T/info").is_file()
    for kind in ("thumbnail_colored", "thumbnail_masked"):
        assert len(list((root / "preps/masks" / kind).iterdir())) == 8
    assert (root / "www/000.png").is_file()
    assert (root / "www/scene/DEMO_ID_0001_slide001_S1_C1.png").is_file()
    assert (root / "preps/alignment/transforms.csv").is_file()


def test_the_database_knows_what_was_made(finished: Lab) -> None:
    with open_database(finished.url) as database:
        records = database.animal_records("DEMO")
        pairs = database.pairs("DEMO")
    assert [slide.number for slide in records.slides] == [1, 2]
    assert [channel.name for channel in records.slides[0].channels] == ["DAPI", "GFP", "Cy5"]
    assert len(pairs) == 7 + 6 + 5  # eight sections, each with those up to three behind it
    assert all(pair.metric > 0 for pair in pairs)
    assert {pair.verdict for pair in pairs} == {"good"}
    assert {one.error for one in finished.ran()} == {""}


def test_a_second_run_makes_nothing_and_says_so(lab: Lab) -> None:
    before, counted = lab.bytes(), Counted(lab)
    run = lab.luigi()
    assert run.returncode == 0
    assert "nothing to do" in run.stderr
    assert counted.by_stage() == {}
    assert lab.bytes() == before


def test_copied_slides_with_new_times_redo_only_their_metadata(lab: Lab) -> None:
    before, counted = lab.bytes(), Counted(lab)
    for path in lab.folder.czi.iterdir():
        path.touch()
    run = lab.luigi()
    assert run.returncode == 0
    assert counted.by_stage() == {"Meta": 2}
    after = lab.bytes()
    changed = {name for name in before if after[name] != before[name]}
    assert all(name.startswith(".brainstack/stamps/Meta") for name in changed)
    assert "All is done" in lab.brainstack("status", "DEMO").stdout


def test_another_slide_under_the_same_name_is_made_anew(lab: Lab) -> None:
    """The second slide's scan takes the first one's place: all that was made of the first is stale."""
    first, second = sorted(lab.folder.czi.iterdir())
    first.write_bytes(second.read_bytes())
    counted = Counted(lab)
    assert lab.luigi().returncode == 0
    ran = counted.by_stage()
    assert ran["Tifs"] == 3
    assert ran["Masks"] == 4


def test_another_folder_is_as_good(lab: Lab) -> None:
    """The copy that this test has lies elsewhere than where it was made, and no link and no stamp minds."""
    assert "All is done" in lab.brainstack("status", "DEMO").stdout
    broken = [path for path in lab.folder.root.rglob("*") if path.is_symlink() and not path.exists()]
    assert broken == []


def test_through_luigid_with_its_tasks_by_stage_and_section(new_lab: Lab, finished: Lab) -> None:
    with luigid(new_lab) as port:
        run = new_lab.luigi("Animal", "--scheduler-host", "127.0.0.1", "--scheduler-port", str(port), "--workers", "2")
        assert run.returncode == 0, run.stderr
        tasks = asked(port, "task_list", {"status": "DONE", "upstream_status": ""})
    shown = {(task["name"], task["params"].get("channel"), task["params"].get("section")) for task in tasks.values()}
    assert ("Clean", "2", "slide002_S3") in shown
    assert ("Elastix", None, "slide001_S4..slide002_S1") in shown
    assert ("Animal", None, None) in shown
    assert new_lab.bytes() == finished.bytes()


def test_a_stage_alone_makes_what_it_needs_and_no_more(new_lab: Lab) -> None:
    counted = Counted(new_lab)
    assert new_lab.luigi("Masks", "--section", "slide002_S1").returncode == 0
    assert counted.by_stage() == {
        "Meta": 2, "Tifs": 2, "MaskSearch": 8, "MaskCheck": 1, "Normalized": 1, "MaskProposal": 1, "Masks": 1,
    }  # fmt: skip


def test_one_worker_gives_the_same_bytes_as_two(new_lab: Lab, finished: Lab) -> None:
    assert new_lab.luigi("Animal", "--workers", "1").returncode == 0
    assert new_lab.bytes() == finished.bytes()


def mask_of(lab: Lab, key: str) -> np.ndarray:
    return read_tiff(lab.folder.keyed("thumbnail_masked", key)) > 0


def canvas_of(lab: Lab) -> tuple[int, int]:
    content = json.loads(lab.folder.small("canvas").read_text())
    return content["rows"], content["columns"]


def test_the_viewer_serves_the_volumes_and_ends_with_ctrl_c(finished: Lab) -> None:
    process = finished.start("brainstack", "view", "DEMO", "--port", "0")
    assert process.stdout is not None
    url = next(word for word in process.stdout.readline().split() if word.startswith("http"))
    with urllib.request.urlopen(f"{url}data/DEMO/neuroglancer_data/C1T/info", timeout=10) as answer:
        assert json.loads(answer.read())["data_type"] == "uint16"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0
