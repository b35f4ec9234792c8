"""What one slide scan holds, for a person who has a file and nothing else: no animal, no database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from brainstack.files.czi import content_signature, open_slide, read_slide_pictures
from brainstack.files.czi_directory import TileEntry
from brainstack.files.czi_metadata import CziMetadata
from brainstack.files.pictures import write_png
from brainstack.records import Scene, SlideScan, SlideScene
from brainstack.slide_content import checksum_of, is_square
from brainstack.stack import by_position, by_scan
from brainstack.tidying import readable

UNKNOWN = "not said"


@dataclass(frozen=True)
class ShownSlide:
    """tiles : of the scan and its pyramids. checksum : of each byte; "" where it was not asked for."""

    path: Path
    scan: SlideScan
    metadata: CziMetadata
    tiles: tuple[TileEntry, ...]
    attachments: tuple[str, ...]
    signature: str
    checksum: str = ""


def look_at(path: Path, *, whole: bool = False) -> ShownSlide:
    """Read what a CZI holds, without its pixels. whole : its checksum too, which reads all of it.

    Raises BrainstackError for what is no CZI, is damaged, or has pixels that brainstack does not read.
    """
    slide = open_slide(path)
    return ShownSlide(
        path=path,
        scan=slide.scan,
        metadata=slide.metadata,
        tiles=slide.directory.tiles,
        attachments=tuple(one.name for one in slide.directory.attachments),
        signature=content_signature(path),
        checksum=checksum_of(path) if whole else "",
    )


def show(slide: ShownSlide, console: Console) -> None:
    """Print what is said of the slide, and a table each of its scenes and its channels."""
    facts = Table.grid(padding=(0, 2))
    for name, value in facts_of(slide):
        facts.add_row(name, escape(value))
    console.print(facts)
    console.print(scenes_table(slide))
    console.print(channels_table(slide))
    if warning := order_warning(slide.scan.scenes):
        console.print(warning, markup=False, highlight=False, soft_wrap=True)


def facts_of(slide: ShownSlide) -> list[tuple[str, str]]:
    """Each thing that is the same for all scenes and channels: its name and what is said of it."""
    scan = slide.scan
    planes = f"{scan.focal_planes}{'' if scan.focal_planes == 1 else ', one picture is made of them'}"
    times = f"{scan.time_points}{'' if scan.time_points == 1 else ', the first is taken'}"
    facts = [
        ("file", f"{scan.file_name}, {readable(slide.path.stat().st_size)}"),
        ("pixels", f"{scan.pixel_type}, {_pixel_size(scan)}"),
        ("taken at", scan.acquired_at or UNKNOWN),
        ("objective", scan.objective or UNKNOWN),
        ("focal planes", planes),
        ("time points", times),
        ("scenes", _scene_count(slide)),
        ("compression", _packed(slide.tiles)),
        ("attachments", ", ".join(slide.attachments) or "none"),
        ("quick checksum", slide.signature),
    ]
    return [*facts, ("checksum", f"{slide.checksum} (BLAKE2b, 128 bits)")] if slide.checksum else facts


def _scene_count(slide: ShownSlide) -> str:
    found, said = len(slide.scan.scenes), slide.metadata.scene_count
    return str(found) if said in (None, found) else f"{found}, the metadata speak of {said}"


def _packed(tiles: Sequence[TileEntry]) -> str:
    counts = Counter(tile.compression for tile in tiles)
    return ", ".join(f"{name} ({count} {'tile' if count == 1 else 'tiles'})" for name, count in sorted(counts.items()))


def _pixel_size(scan: SlideScan) -> str:
    if scan.pixel_size_um is None:
        return "size not said: it has to be given with the animal (--pixel-size-um)"
    x_um, y_um = scan.pixel_size_um
    odd = "" if is_square(scan.pixel_size_um) else ", which are not square"
    return f"{x_um:g} x {y_um:g} um{odd}"


def scenes_table(slide: ShownSlide) -> Table:
    """A row a scene: number, size and place on the slide in pixels, place on the stage, tiles without pyramids."""
    table = Table(title="scenes", title_justify="left")
    for title in ("scene", "size (px)", "x, y (px)", "stage x, y (um)", "tiles", "in pyramids"):
        table.add_column(title, justify="right", no_wrap=True)
    for scene in slide.scan.scenes:
        own = [tile for tile in slide.tiles if (tile.scene or 0) == scene.index]
        pyramids = sum(tile.is_pyramid for tile in own)
        stage = UNKNOWN if scene.stage_um is None else f"{scene.stage_um[0]:.1f}, {scene.stage_um[1]:.1f}"
        table.add_row(
            str(scene.number), f"{scene.width} x {scene.height}", f"{scene.x}, {scene.y}", stage,
            str(len(own) - pyramids), str(pyramids),
        )  # fmt: skip
    return table


def channels_table(slide: ShownSlide) -> Table:
    """A row a channel: number, name, exposure, and by how much the scanner moved it, where it did."""
    shifts = slide.metadata.pixel_shift_px
    table = Table(title="channels", title_justify="left")
    for title in ("channel", "name", "exposure (ms)", *(["shift x, y (px)"] if shifts else [])):
        table.add_column(title, justify="right")
    for channel in slide.scan.channels:
        exposure = UNKNOWN if channel.exposure_ms is None else f"{channel.exposure_ms:g}"
        x, y = shifts.get(channel.number, (0.0, 0.0))
        table.add_row(str(channel.number), escape(channel.name), exposure, *([f"{x:g}, {y:g}"] if shifts else []))
    return table


def order_warning(scenes: Sequence[Scene]) -> str:
    """A sentence where the scenes were scanned in another order than they lie in; else empty."""
    known = [SlideScene(one.number, one.index, one.width, one.height, x=one.x, y=one.y) for one in scenes]
    scanned, lying = by_scan(known), by_position(known) or ()
    if scanned == lying:
        return ""
    return (
        f"The scenes were scanned in the order {', '.join(map(str, scanned))}, but lie, row by row from the left, in "
        f"the order {', '.join(map(str, lying))}; see [slides] scene_order in the settings."
    )


def write_pictures(path: Path, folder: Path) -> list[Path]:
    """Write the label and the preview of a slide as PNG into a folder, which is made; those that it has.

    Raises BrainstackError for what is no CZI, or damaged.
    """
    pictures = read_slide_pictures(path)
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{path.stem}_{name}.png" for name in pictures]
    for target, picture in zip(written, pictures.values(), strict=True):
        write_png(target, picture)
    return written
