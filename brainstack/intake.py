"""From tasks to the database: a task leaves a line in a record file, and the process that drives the run takes it in.

So only one process ever writes to the database, and a cluster node needs no connection to it.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from brainstack.animal_folder import AnimalFolder
from brainstack.database import Database, run_in_transaction
from brainstack.files.whole import append_whole, write_json
from brainstack.files.writer import writer
from brainstack.records import Channel, ChannelGain, PairTransform, Ran, Scene, SectionAlignment, SlideScan, TifFile


def record(folder: AnimalFolder, kind: str, content: Any) -> None:
    """Leave a record for the process that drives the run. kind : "slide", "tifs", "pairs", "sections", "gain",
    "canvas", "seen" or "ran".

    One line, written at once at the end of this process's own file: a kill leaves it there or not there.
    """
    line = json.dumps({"kind": kind, "content": content}) + "\n"
    append_whole(folder.records / f"{writer()}.jsonl", line.encode())


def record_seen(folder: AnimalFolder, path: Path) -> None:
    """Say what a file that people may edit looks like as it was written, so that nobody has to read it to know."""
    record(folder, "seen", {"file": seen_name(path), "signature": signature_of(path)})


def seen_name(path: Path) -> str:
    """What seen.json calls a file: "thumbnail_colored/<key>"."""
    return f"{path.parent.name}/{path.stem}"


def signature_of(path: Path) -> list[int]:
    """Size in bytes and time of the last change in nanoseconds: another one may mean another content."""
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def read_seen(folder: AnimalFolder) -> dict[str, list[int]]:
    """Signatures of files that people may edit, as brainstack last knew their content."""
    return dict(json.loads(folder.seen.read_text())) if folder.seen.exists() else {}


def record_ran(folder: AnimalFolder, ran: Ran) -> None:
    record(folder, "ran", dataclasses.asdict(ran))


def take_in_records(folder: AnimalFolder, url: str, living: Collection[str] = ()) -> list[Ran]:
    """Put what tasks recorded into the database and remove the record files. Returns the steps that were run.

    living : writers that may write more (jobs on a cluster): their files wait until the next time. A kill in between
    leaves the files: all of it can be taken in twice with the same result.
    """
    found = sorted(folder.records.glob("*.jsonl")) if folder.records.is_dir() else []
    files = [file for file in found if file.stem not in living]
    by_kind: dict[str, list[Any]] = {}
    for file in files:
        for line in file.read_text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:  # the last line of a process that was killed while it wrote
                continue
            by_kind.setdefault(entry["kind"], []).append(entry["content"])
    if by_kind:
        run_in_transaction(url, lambda database: _store(database, folder.prep_id, by_kind))
    if written := {one["file"]: one["signature"] for one in by_kind.get("seen", [])}:
        write_json(folder.seen, read_seen(folder) | written)
    for file in files:
        file.unlink()
    return [Ran(**ran) for ran in by_kind.get("ran", [])]


def _store(database: Database, prep_id: str, by_kind: dict[str, list[Any]]) -> None:
    for slide in by_kind.get("slide", []):
        database.take_in_slide(
            prep_id,
            slide_scan(slide["scan"]),
            slide_number=slide["slide_number"],
            rescan=slide.get("rescan", 1),
            file_size=slide["file_size"],
            checksum=(slide["checksum_kind"], slide["checksum"]) if "checksum" in slide else None,
            pictures=slide.get("pictures", ()),
        )
    files = [TifFile(**file) for files in by_kind.get("tifs", []) for file in files]
    known = database.tif_names(prep_id)  # a scene may be gone since its TIFF was made
    for timed in (True, False):  # UpdateTifs does not know how long each took
        some = [one for one in files if one.file_name in known and (one.seconds is not None) == timed]
        database.take_in_tifs(prep_id, some)
    for pairs in by_kind.get("pairs", []):
        database.take_in_pairs(prep_id, [PairTransform(**pair) for pair in pairs])
    for sections in by_kind.get("sections", [])[-1:]:  # each says it of the whole stack
        database.take_in_sections(prep_id, [SectionAlignment(**one) for one in sections])
    gains = [ChannelGain(**one | {"white": _colour(one.get("white"))}) for one in by_kind.get("gain", [])]
    database.take_in_gains(prep_id, gains)
    for canvas in by_kind.get("canvas", []):
        database.take_in_canvas(prep_id, canvas["width"], canvas["height"])
    database.take_in_log(prep_id, [Ran(**ran) for ran in by_kind.get("ran", [])])


def slide_scan(content: dict[str, Any]) -> SlideScan:
    """A SlideScan from what `dataclasses.asdict` made of one."""
    return SlideScan(
        **content
        | {
            "pixel_size_um": _pair(content["pixel_size_um"]),
            "warnings": tuple(content.get("warnings", ())),
            "channels": tuple(Channel(**channel) for channel in content["channels"]),
            "scenes": tuple(Scene(**scene | {"stage_um": _pair(scene.get("stage_um"))}) for scene in content["scenes"]),
        }
    )


def _colour(numbers: Sequence[int] | None) -> tuple[int, int, int] | None:
    return None if numbers is None else (numbers[0], numbers[1], numbers[2])


def _pair(numbers: Sequence[float] | None) -> tuple[float, float] | None:
    return None if numbers is None else (numbers[0], numbers[1])
