"""What is no longer needed is found and deleted, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from by_hand import plan_of, run_by_hand, settings_with, slide
from typer.testing import CliRunner

from brainstack import cli
from brainstack.files.tiff import write_tiff
from brainstack.links import link_all
from brainstack.plan import Plan
from brainstack.planning import write_failed
from brainstack.records import Slide
from brainstack.stages import STAGES
from brainstack.stamps import Stamp, Stamps, Step
from brainstack.tidying import Tidying, delete_leftovers, find_leftovers, readable

SLIDES = (slide(1), slide(2), slide(3))


def run(plan: Plan) -> None:
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    for path in STAGES["Preps"].outputs(plan, Step("Preps")):
        path.unlink()  # where links are in truth
    link_all(plan)


def finished(root: Path) -> Plan:
    """An animal of three slides of two sections that was run, of empty files."""
    plan = plan_of(root, SLIDES)
    run(plan)
    for name in [path.name for path in (plan.folder.root / "tif").glob("*.tif")]:
        touch(plan.folder.scene_picture(name))
    touch(*(plan.folder.slide_label(name) for name in plan.slides))
    touch(plan.folder.czi / "DK39_slide001.czi", plan.folder.settings, plan.folder.lock, plan.folder.log("x"))
    return plan


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def names(plan: Plan, found: Tidying) -> set[str]:
    return {str(one.path.relative_to(plan.folder.root)) for one in found.leftovers}


def pair_files(*pairs: str) -> set[str]:
    """What is written of pairs, as they were registered and as they are used."""
    return {f".brainstack/{folder}/{pair}.json" for pair in pairs for folder in ("pairs", "pairs_in_force")}


def everything(plan: Plan) -> set[Path]:
    return {path for path in plan.folder.root.rglob("*") if not path.is_dir()}


def test_a_finished_animal_has_nothing_to_tidy(tmp_path: Path) -> None:
    plan = finished(tmp_path)

    found = find_leftovers(plan)

    assert (found.leftovers, found.stamps, found.edits, found.foreign) == ([], [], [], {})


def test_all_of_a_slide_that_is_gone_is_deleted(tmp_path: Path) -> None:
    finished(tmp_path)
    plan = plan_of(tmp_path, (SLIDES[0], SLIDES[2]))
    run(plan)

    found = find_leftovers(plan)
    assert {one.why for one in found.leftovers} == {
        "sections or channels that are gone",
        "slides that are gone",
        "slides that are gone, from which it cannot be made again",
        "pairs of sections that are no longer near each other",
    }
    delete_leftovers(plan, found)

    left = [path for path in everything(plan) if "slide002" in path.name]
    assert left == []
    assert {step.item for step in Stamps(plan.folder.stamps).steps() if "slide002" in step.item} == set()
    assert find_leftovers(plan) == Tidying()
    assert run_by_hand(plan, Stamps(plan.folder.stamps)) == []
    assert all(path.exists() for stage in STAGES for step in plan.steps(stage)
               for path in STAGES[stage].outputs(plan, step))  # fmt: skip


def test_the_label_of_a_slide_that_is_marked_as_bad_is_kept(tmp_path: Path) -> None:
    finished(tmp_path)
    plan = plan_of(tmp_path, (SLIDES[0], replace(SLIDES[1], status="Bad"), SLIDES[2]))

    found = find_leftovers(plan)

    assert plan.folder.slide_label("DK39_slide002") not in {one.path for one in found.leftovers}
    assert found.foreign == {}


def test_links_to_what_is_deleted_go_with_it(tmp_path: Path) -> None:
    finished(tmp_path)
    plan = plan_of(tmp_path, SLIDES[:2])

    delete_leftovers(plan, find_leftovers(plan))

    assert not [path for path in everything(plan) if path.is_symlink() and not path.exists()]
    assert (plan.folder.numbered("thumbnail_cleaned", 3, 1)).exists()


def test_a_section_that_was_dropped_leaves_its_tiff(tmp_path: Path) -> None:
    """The TIFFs of a slide are made together, of all its scenes."""
    finished(tmp_path)
    plan = plan_of(tmp_path, (SLIDES[0], slide(2, qc={2: 3}), SLIDES[2]))

    found = names(plan, find_leftovers(plan))

    assert ".brainstack/CH2/thumbnail_cleaned/slide002_S2.tif" in found
    assert pair_files("slide002_S2..slide003_S1") <= found
    assert not [name for name in found if name.startswith("tif/")]
    assert not [name for name in found if "slide002_S1.tif" in name]


def test_a_gap_may_be_taken_back_and_keeps_its_images(tmp_path: Path) -> None:
    finished(tmp_path)
    plan = plan_of(tmp_path, (SLIDES[0], slide(2, qc={2: 2}), SLIDES[2]))

    found = find_leftovers(plan)

    before, behind = ("slide001_S1", "slide001_S2", "slide002_S1"), ("slide003_S1", "slide003_S2")
    pairs = [*(f"{key}..slide002_S2" for key in before), *(f"slide002_S2..{key}" for key in behind)]
    assert names(plan, found) == pair_files(*pairs)
    assert {step.stage for step in found.stamps} == {"Elastix", "PairRetry"}


def test_a_scene_that_is_no_longer_on_the_slide_loses_its_tiff(tmp_path: Path) -> None:
    finished(tmp_path)
    plan = plan_of(tmp_path, (SLIDES[0], slide(2, scenes=1), SLIDES[2]))

    tidying = find_leftovers(plan)
    found = names(plan, tidying)

    assert {one.why for one in tidying.leftovers if one.path.parent.name == "tif"} == {"scenes that are gone"}
    assert "tif/DK39_slide002_S2_C1.tif" in found
    assert "tif/thumbnail/DK39_slide002_S2_C2.tif" in found
    assert "www/scene/DK39_slide002_S2_C2.png" in found
    assert "tif/DK39_slide002_S1_C1.tif" not in found


def test_a_channel_that_is_gone_loses_its_volume_and_images(tmp_path: Path) -> None:
    finished(tmp_path)
    slides = [replace(one, channels=one.channels[:1]) for one in SLIDES]
    plan = plan_of(tmp_path, slides)

    found = find_leftovers(plan)
    delete_leftovers(plan, found)

    assert {"neuroglancer_data/C2T", "histogram/CH2/DK39.png", ".brainstack/small/gain_C2.json"} <= names(plan, found)
    assert not [path for path in plan.folder.root.rglob("*") if "CH2" in path.parts or "_C2" in path.stem]
    assert (plan.folder.volume(1) / "info").exists()


def test_images_of_another_channel_than_is_asked_for_now_are_found(tmp_path: Path) -> None:
    plan = finished(tmp_path)
    touch(plan.folder.keyed("web", "slide001_S1", 2, ".png"))

    assert names(plan, find_leftovers(plan)) == {".brainstack/CH2/web/slide001_S1.png"}


def test_what_the_lab_made_is_not_brainstack_s(tmp_path: Path) -> None:
    plan = finished(tmp_path)
    root = plan.folder.root
    theirs = [root / name for name in ("tif/DK39_slide009_S1_C1.tif", "neuroglancer_data/C3T/info", "preps/x/000.tif",
                                       "preps/lab/CH1/full/000.tif", "notes.txt", "www/scene/a.png",
                                       "histogram/CH1/a.png", "jp2/a.jp2")]  # fmt: skip
    touch(*theirs)

    found = find_leftovers(plan)

    assert found.leftovers == []
    assert {str(path.relative_to(root)) for path in found.foreign} == {
        "tif", "neuroglancer_data/C3T", "preps/x", "preps/lab", ".", "www/scene", "histogram/CH1", "jp2"
    }  # fmt: skip


def test_what_people_made_is_kept_and_counted(tmp_path: Path) -> None:
    finished(tmp_path)
    plan = plan_of(tmp_path, SLIDES[:2])
    refused = plan.folder.numbered("thumbnail_masked", 0)
    refused.unlink()
    homeless = refused.with_name("slide003_S1.tif")
    edits = [plan.folder.edit("slide001_S1"), plan.folder.edit("slide003_S1"), refused, homeless]
    touch(*edits, plan.folder.approved("canvas"))

    found = find_leftovers(plan)
    delete_leftovers(plan, found)

    assert sorted(found.edits) == sorted(edits)
    assert all(path.exists() for path in [*edits, plan.folder.approved("canvas")])
    assert found.foreign == {}


def test_half_written_files_and_old_logs_go(tmp_path: Path) -> None:
    plan = finished(tmp_path)
    parts = [plan.folder.root / "tif" / ".part-1-x.tif", plan.folder.neuroglancer_data / ".part-1-C1T"]
    touch(parts[0], parts[1] / "info", plan.folder.czi / ".part-1-not.ours")
    logs = [plan.folder.log(f"20260101-0000{number:02d}") for number in range(25)]
    plan.folder.log("x").unlink()
    touch(*logs)

    found = find_leftovers(plan)
    delete_leftovers(plan, found)

    assert {one.path for one in found.leftovers} == {*parts, *logs[:5]}
    assert not any(path.exists() for path in [*parts, *logs[:5]])
    assert all(path.exists() for path in [*logs[5:], plan.folder.czi / ".part-1-not.ours"])


def test_a_slide_that_is_not_read_yet_keeps_what_it_has(tmp_path: Path) -> None:
    plan = finished(tmp_path)
    plan = replace(plan, records=replace(plan.records, slides=SLIDES[:2]))

    found = names(plan, find_leftovers(plan))

    assert not [name for name in found if name.startswith(("tif/", "www/scene/", ".brainstack/meta"))]


def test_a_pair_over_a_section_that_failed_is_needed(tmp_path: Path) -> None:
    plan = finished(tmp_path)
    failed = [Step("Masks", 0, "slide002_S1")]
    run_by_hand(plan.without(failed), Stamps(plan.folder.stamps), files=True)

    assert find_leftovers(plan, failed).leftovers == []
    # Without that section these are three apart, with it four; 1 and 4 are a pair in any case.
    over = pair_files("slide001_S1..slide003_S1", "slide001_S2..slide003_S2")
    assert names(plan, find_leftovers(plan)) == over


def test_a_single_histogram_is_kept_with_its_section(tmp_path: Path) -> None:
    plan = finished(tmp_path)
    for key in ("slide001_S1", "slide003_S1"):
        step = Step("SingleHistogram", 1, f"{key}:thumbnail")
        Stamps(plan.folder.stamps).write(step, Stamp("x"))
        touch(*STAGES["SingleHistogram"].outputs(plan, step))
    plan = plan_of(tmp_path, SLIDES[:2])

    found = [name for name in names(plan, find_leftovers(plan)) if name.startswith("histogram") and ":" not in name]

    assert "histogram/CH1/slide003_S1_thumbnail.png" in found
    assert "histogram/CH1/slide001_S1_thumbnail.png" not in found


def test_stopped_in_the_middle_the_rest_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(tmp_path)
    plan = plan_of(tmp_path, SLIDES[:2])
    count = len(find_leftovers(plan).leftovers)
    unlink, calls = Path.unlink, []

    def stopping(path: Path, *, missing_ok: bool = False) -> None:
        calls.append(path)
        if len(calls) == 10:
            raise KeyboardInterrupt
        unlink(path, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", stopping)
        with pytest.raises(KeyboardInterrupt):
            delete_leftovers(plan, find_leftovers(plan))

    assert len(find_leftovers(plan).leftovers) == count - 9
    delete_leftovers(plan, find_leftovers(plan))
    assert find_leftovers(plan) == Tidying()


@pytest.mark.parametrize(("size", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1500, "1.5 kB"), (2.6e12, "2.6 TB")])
def test_sizes_are_readable(size: float, text: str) -> None:
    assert readable(int(size)) == text


def test_exports_are_kept_and_what_they_took_of_a_section_that_is_gone_goes(tmp_path: Path) -> None:
    plan = in_slabs(tmp_path)
    run(plan)
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True, asked=["Export"])
    assert find_leftovers(plan) == Tidying()

    less = in_slabs(tmp_path, SLIDES[:-1])
    found, gone = find_leftovers(less), set(plan.section) - set(less.section)

    of_exports = {name for name in names(less, found) if "export" in name}
    kinds = {"zarr_thumbnail": ".zarr", "zarr_full": ".zarr", "tiff_thumbnail": ".ome.tif", "tiff_full": ".ome.tif"}
    assert of_exports == {f".brainstack/export/{kind}/{key}{suffix}" for kind, suffix in kinds.items() for key in gone}
    assert {step.item.partition(":")[0] for step in found.stamps if step.stage == "ExportSection"} == gone
    assert not [step for step in found.stamps if step.stage == "Export"]


# Volumes

ASKED = ("FullMasks", "FullClean", "FullAlignment", "FullDownsampling")


def in_slabs(root: Path, slides: tuple[Slide, ...] = SLIDES, **neuroglancer: Any) -> Plan:
    """Six sections of 60 x 40 pixels: slabs of two, a canvas of 2 x 2 groups."""
    deep = {"chunk_size": (16, 16, 2), "block_px": 16, "group_px": 32} | neuroglancer
    return plan_of(root, slides, settings=settings_with(tifs={"thumbnail_factor": 1}, neuroglancer=deep))


def with_volumes(root: Path) -> Plan:
    """An animal that was made at the scan's resolution too, and is being made again: blocks, and parts of shards."""
    plan = in_slabs(root)
    run(plan)
    run_by_hand(plan, Stamps(plan.folder.stamps), files=True, asked=ASKED)
    touch(*(path for channel in (1, 2) for slab in ("000", "002") for path in under_way(plan, channel, slab)))
    return plan


def under_way(plan: Plan, channel: int, slab: str) -> list[Path]:
    """What there is of a slab and of its group 001 while it is written, and of what was joined before."""
    folder, group = plan.folder, f"{slab}.001"
    return [
        folder.volume(channel) / "2_2_20" / f"0-16_0-16_{slab}",
        folder.volume(channel, full=True) / "1_1_20" / "0.shard",
        folder.volume_records(channel) / slab / "0_0.json",
        folder.volume_records(channel, full=True) / group / "1_0.json",
        folder.volume_part(channel, slab, "0_0"),
        folder.volume_part(channel, group, "1_0", full=True),
        folder.volume_record(channel, "shards"),
    ]


def test_nothing_of_a_live_volume_is_found(tmp_path: Path) -> None:
    found = find_leftovers(with_volumes(tmp_path))

    assert (found.leftovers, found.stamps, found.foreign) == ([], [], {})


def test_a_channel_that_is_gone_loses_all_of_its_volumes(tmp_path: Path) -> None:
    before = everything(with_volumes(tmp_path))
    plan = in_slabs(tmp_path, tuple(replace(one, channels=one.channels[:1]) for one in SLIDES))

    found = find_leftovers(plan)
    delete_leftovers(plan, found)

    assert {
        "neuroglancer_data/C2", "neuroglancer_data/C2T", ".brainstack/small/volume_C2.json",
        ".brainstack/small/volume_C2T.json", ".brainstack/CH2/volume/000.json", ".brainstack/CH2/volume/002/0_0.json",
        ".brainstack/CH2/volume/shards.json", ".brainstack/CH2/volume/levels.json",
        ".brainstack/CH2/volume_full/002.003.json", ".brainstack/CH2/volume_full/shards.003.json",
        ".brainstack/CH2/volume_full/002.001/1_0.json", ".brainstack/CH2/parts/000/0_0.part",
        ".brainstack/CH2/parts_full/000.001/1_0.part", ".brainstack/CH2/slabs/001.json",
        ".brainstack/CH2/full_aligned/slide001_S1.tif", ".brainstack/CH2/full_cleaned/slide001_S1.tif",
    } <= names(plan, found)  # fmt: skip
    left = everything(plan)
    assert {path for path in before if {"CH1", "C1", "C1T", "masks"} & {*path.parts}} <= left
    assert not [path for path in left if {"CH2", "C2", "C2T"} & {*path.parts} or path.stem.endswith(("_C2", "_C2T"))]
    assert find_leftovers(plan) == Tidying()


def test_slabs_that_are_gone_lose_what_is_noted_of_them(tmp_path: Path) -> None:
    with_volumes(tmp_path)
    plan = in_slabs(tmp_path, SLIDES[:2])

    found = find_leftovers(plan)

    assert of_volumes(names(plan, found)) == {
        f".brainstack/CH{channel}/{name}"
        for channel in (1, 2)
        for name in (
            "volume/002.json", "volume/002/0_0.json", "parts/002/0_0.part", "slabs/002.json",
            *(f"volume_full/002.{group:03d}.json" for group in range(4)),
            "volume_full/002.001/1_0.json", "parts_full/002.001/1_0.part",
        )
    }  # fmt: skip
    gone = {step.item for step in found.stamps if step.stage in ("NeuroglancerImage", "FullSlab", "FullImage")}
    assert gone == {"002", *(f"002.{group:03d}" for group in range(4))}
    delete_leftovers(plan, found)
    assert find_leftovers(plan) == Tidying()


def of_volumes(names: set[str]) -> set[str]:
    folders = {"neuroglancer_data", "volume", "volume_full", "parts", "parts_full", "slabs"}
    return {name for name in names if folders & {*name.split("/")}}


def test_groups_that_are_gone_lose_what_is_noted_of_them(tmp_path: Path) -> None:
    with_volumes(tmp_path)
    plan = in_slabs(tmp_path, group_px=64)  # one instead of four

    found = find_leftovers(plan)

    assert names(plan, found) == {
        f".brainstack/CH{channel}/{name}"
        for channel in (1, 2)
        for name in (
            *(f"volume_full/{slab:03d}.{group:03d}.json" for slab in range(3) for group in (1, 2, 3)),
            *(f"volume_full/shards.{group:03d}.json" for group in (1, 2, 3)),
            *(f"volume_full/{slab}.001/1_0.json" for slab in ("000", "002")),
            *(f"parts_full/{slab}.001/1_0.part" for slab in ("000", "002")),
        )
    }  # fmt: skip
    assert {step.stage for step in found.stamps} == {"FullImage", "FullShards"}


def test_what_a_slide_that_is_not_read_yet_may_belong_to_is_kept(tmp_path: Path) -> None:
    plan = with_volumes(tmp_path)
    plan = replace(plan, records=replace(plan.records, slides=SLIDES[:2]))

    found = find_leftovers(plan)

    assert of_volumes(names(plan, found)) == set()
    assert not {step for step in found.stamps if step.stage in ("NeuroglancerImage", "FullImage", "FullShards")}
    unread = replace(plan, records=replace(plan.records, slides=()))
    assert of_volumes(names(unread, find_leftovers(unread))) == set()


def test_a_volume_that_the_lab_made_is_theirs(tmp_path: Path) -> None:
    plan = finished(tmp_path)
    touch(plan.folder.volume(1, full=True) / "info", plan.folder.volume_records(1) / "notes.txt")

    found = find_leftovers(plan)

    assert found.leftovers == []
    assert {str(path.relative_to(plan.folder.root)) for path in found.foreign} == {
        "neuroglancer_data/C1", ".brainstack/CH1/volume"
    }  # fmt: skip


def test_a_volume_of_an_earlier_brainstack_is_known_until_it_is_laid_out_anew(tmp_path: Path) -> None:
    """Its stamp says whose it is: without, the next run would not dare to write there."""
    plan = finished(tmp_path)
    stamps, earlier = Stamps(plan.folder.stamps), [Step("NeuroglancerImage", channel) for channel in (1, 2)]
    for step in [one for one in stamps.steps() if one.stage in ("NeuroglancerInfo", "NeuroglancerImage")]:
        stamps.remove(step)
    for path in (path for stage in ("NeuroglancerInfo", "NeuroglancerImage") for step in plan.steps(stage)
                 for path in STAGES[stage].outputs(plan, step) if path.name != "info"):  # fmt: skip
        path.unlink()
    for step in earlier:
        stamps.write(step, Stamp("x"))

    found = find_leftovers(plan)
    assert (found.leftovers, found.stamps, found.foreign) == ([], [], {})

    fewer = plan_of(tmp_path, [replace(one, channels=one.channels[:1]) for one in SLIDES])
    found = find_leftovers(fewer)
    assert "neuroglancer_data/C2T" in names(fewer, found)
    assert set(earlier) & set(found.stamps) == {earlier[1]}

    run_by_hand(plan, Stamps(plan.folder.stamps), files=True)
    assert find_leftovers(plan).stamps == earlier


def test_a_volume_of_a_run_that_was_killed_is_found(tmp_path: Path) -> None:
    """It was laid out when the channel went."""
    finished(tmp_path)
    plan = plan_of(tmp_path, [replace(one, channels=one.channels[:1]) for one in SLIDES])
    touch(plan.folder.volume_layout(2, full=True), plan.folder.volume(2, full=True) / "info")

    assert "neuroglancer_data/C2" in names(plan, find_leftovers(plan))


# The command


def command(*words: str) -> str:
    result = CliRunner().invoke(cli.app, ["tidy", "DK39", *words], catch_exceptions=False)
    return result.output


def test_the_command_lists_asks_and_deletes(data_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished(data_root)
    plan = plan_of(data_root, SLIDES[:2])
    write_tiff(plan.folder.edit("slide003_S1"), np.full((40, 60), 255, np.uint8), 10)
    touch(plan.folder.root / "notes.txt")
    for name in ("make_plan", "look"):
        monkeypatch.setattr(f"brainstack.tidying.{name}", lambda prep_id: plan)
    monkeypatch.setattr("brainstack.tidying.take_in", lambda prep_id: (plan, []))
    write_failed(plan.folder, {})
    before = everything(plan)

    said = command("--dry-run")

    assert everything(plan) == before
    assert "4 in tif, 0 bytes: DK39_slide003_S1_C1.tif" in said
    assert "kept, masks that people made: 1" in said
    assert "kept, not brainstack's: 1 in ., 0 bytes" in said
    assert said.splitlines()[-1].startswith("no longer needed: ")
    with pytest.raises(cli.BrainstackError, match="say --yes"):
        command()
    assert everything(plan) == before
    assert command("--yes") == said
    assert len(everything(plan)) < len(before)
    assert "no longer needed: 0 files, 0 bytes" in command("--yes")
