"""The command `brainstack`: animals, the made-up one, the status, the viewer. Runs are started with `luigi`."""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress as Bar

from brainstack import (
    cli_annotations,
    cli_contrast,
    cli_delete,
    cli_fill,
    cli_import,
    cli_labels,
    cli_masks,
    cli_points,
    cli_report,
    cli_review,
    cli_slides,
    cli_status,
    cli_stop,
    cli_viewer,
)
from brainstack.adding import add_animal, check_new, known_animals
from brainstack.approval import What
from brainstack.cli_arguments import Name
from brainstack.cli_database import database_app
from brainstack.cli_reviewer import reviewer_app
from brainstack.deciding import Change, change_animal
from brainstack.environment import animal_folder, data_root, database_url
from brainstack.errors import BrainstackError
from brainstack.records import Animal, GivenPair, Histology, ScanRun

ABOUT = "From slide scans to a brain in Neuroglancer. Runs: luigi --module tasks Animal --animal DK39"
app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, help=ABOUT
)
animal_app = typer.Typer(no_args_is_help=True, help="Add an animal, list them, change what was said about one.")
app.add_typer(animal_app, name="animal")
slide_app = typer.Typer(
    cls=cli_slides.SlideGroup, no_args_is_help=True, help="Say what a slide or scene is; or look at a slide scan."
)
app.add_typer(slide_app, name="slide")
cli_slides.register(app, slide_app)
cli_annotations.register(app)
cli_contrast.register(app)
cli_labels.register(app)
cli_points.register(app)
cli_report.register(app)
cli_viewer.register(app)
cli_status.register(app)
cli_stop.register(app)
cli_review.register(app)
cli_masks.register(app)
align_app = typer.Typer(no_args_is_help=True, help="See how the sections lie in the stack, and mend it by hand.")
app.add_typer(align_app, name="align")
app.add_typer(database_app, name="database")
app.add_typer(reviewer_app, name="reviewer")
cli_import.register(database_app)
cli_delete.register(animal_app)
cli_fill.register(animal_app)

ASection = Annotated[str, typer.Argument(metavar="SECTION", help="its key or number")]
By = Annotated[str | None, typer.Option(metavar="PERSON", help="who says so; by default, the user of this computer")]
DEMO = "DEMO"


class Side(StrEnum):
    """Whether slide 1 has the first section of the stack (ASC) or the last (DESC)."""

    ASC = "ASC"
    DESC = "DESC"


class Plane(StrEnum):
    SAGITTAL = "sagittal"
    CORONAL = "coronal"
    HORIZONTAL = "horizontal"
    OBLIQUE = "oblique"


class SceneOrder(StrEnum):
    """Of the scenes on one slide: as scanned, as they lie, or as the settings say."""

    SCAN = "scan"
    POSITION = "position"
    SETTINGS = "settings"


class Stain(StrEnum):
    """Of the made-up animal: three channels of fluorescence, or thionin in bright field."""

    FLUORESCENCE = "fluorescence"
    NISSL = "nissl"


class Difficulty(StrEnum):
    """Of the made-up animal: what lies on its glass, and what befell its sections."""

    EASY = "easy"
    MIDDLE = "middle"
    HARD = "hard"


COUNTERSTAINS = {Stain.FLUORESCENCE: "made up", Stain.NISSL: "thionin"}


class Flip(StrEnum):
    NONE = "none"
    FLIP = "flip"
    FLOP = "flop"


def main() -> None:
    """Entry point: an error that a person can mend is one sentence and exit status 1."""
    try:
        app()
    except BrainstackError as error:
        sys.exit(f"brainstack: {error}")
    except OSError as error:
        sys.exit(f"brainstack: {error.filename or 'a file'}: {error.strerror}; mend that and run the command again.")


def _ask(given: str | None, question: str, default: str, choices: list[str]) -> str:
    """What only a person knows: as given, else asked for in a terminal, else the default, which is said.

    choices : what may be answered, whatever the case; none means a number above 0.
    """
    if given is not None:
        return given
    if not sys.stdin.isatty():
        typer.echo(f"{question}: {default} (nothing was said; change it with `brainstack animal set`)")
        return default
    while True:
        answer = str(typer.prompt(question, default=default))
        if not choices and re.fullmatch(r"\d+(\.\d+)?", answer.strip()) and float(answer) > 0:
            return answer
        for choice in choices:
            if answer.casefold() == choice.casefold():
                return choice
        typer.echo(f"One of {', '.join(choices)}, please." if choices else "A number above 0, please.")


@animal_app.command("add")
def add(
    name: Name,
    czi: Annotated[Path, typer.Option(help="folder with its slide scans (*.czi); they are never changed")],
    side_sectioned_first: Annotated[Side | None, typer.Option(help="ASC: slide 1 has the first section")] = None,
    section_thickness_um: Annotated[float | None, typer.Option(help="from one section to the next")] = None,
    rotation: Annotated[int | None, typer.Option(min=0, max=3, help="quarter turns clockwise")] = None,
    flip: Annotated[Flip | None, typer.Option(help="after the turns: flip: half a turn, flop: mirror")] = None,
    orientation: Annotated[Plane | None, typer.Option(help="how the brain was cut")] = None,
    counterstain: Annotated[str, typer.Option(help="such as NtB, DAPI")] = "",
    pixel_size_um: Annotated[float | None, typer.Option(help="of the scan, where the CZI does not say it")] = None,
    thumbnail_factor: Annotated[int | None, typer.Option(min=1, help="scan pixels to a thumbnail's; by default chosen "
                                                                     "for 10 um a thumbnail pixel")] = None,
) -> None:  # fmt: skip
    """Add an animal: asks for what only a person knows, or takes it as options."""
    check_new(name, czi)
    side = _ask(side_sectioned_first and side_sectioned_first.value,
                "Which end of the stack is on slide 1: ASC (the first section) or DESC (the last)", "ASC",
                [side.value for side in Side])  # fmt: skip
    thickness = _ask(None if section_thickness_um is None else str(section_thickness_um),
                     "Distance between neighbouring sections in micrometres", "20", [])  # fmt: skip
    turns = _ask(None if rotation is None else str(rotation), "Quarter turns clockwise for each picture", "0",
                 ["0", "1", "2", "3"])  # fmt: skip
    mirrored = _ask(flip and flip.value, "Then: none, flip (half a turn) or flop (mirror)", "none",
                    [one.value for one in Flip])  # fmt: skip
    plane = _ask(orientation and orientation.value, "Cut: sagittal, coronal or horizontal", "sagittal",
                 [one.value for one in Plane])  # fmt: skip
    animal = Animal(name)
    histology = Histology(name, side, _positive(thickness, "section thickness"), plane, counterstain)
    scan_run = ScanRun(name, str(czi.absolute()), pixel_size_um, int(turns), mirrored)
    for line in add_animal(animal, histology, scan_run, czi, thumbnail_factor):
        typer.echo(line)


def _positive(text: str, what: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text.strip()) or float(text) <= 0:
        raise BrainstackError(f"The {what} was given as {text!r}; wanted a number of micrometres above 0, such as 20.")
    return float(text)


@animal_app.command("set")
def change(
    name: Name,
    side_sectioned_first: Annotated[Side | None, typer.Option(help="ASC: slide 1 has the first section")] = None,
    section_thickness_um: Annotated[float | None, typer.Option(help="from one section to the next")] = None,
    rotation: Annotated[int | None, typer.Option(min=0, max=3, help="quarter turns clockwise")] = None,
    flip: Annotated[Flip | None, typer.Option(help="after the turns: flip: half a turn, flop: mirror")] = None,
    pixel_size_um: Annotated[float | None, typer.Option(help="of the scan")] = None,
    orientation: Annotated[Plane | None, typer.Option(help="how the brain was cut")] = None,
    slide: Annotated[int | None, typer.Option(help="number of the slide that --status or --scene is about")] = None,
    status: Annotated[str | None, typer.Option(help="of the slide: Good or Bad")] = None,
    rescan: Annotated[int | None, typer.Option(help="which scan of the slide, where there are several")] = None,
    scene: Annotated[int | None, typer.Option(help="of the slide, as in its TIFF's name, for what follows")] = None,
    qc: Annotated[int | None, typer.Option(min=0, max=3, help="0 good, 1 out of focus, 2 bad tissue, 3 end")] = None,
    replicate: Annotated[int | None, typer.Option(min=0, help="how many copies of it follow it; with --qc 1 or 2: how "
                                                              "many slots its neighbour fills")] = None,
    drop: Annotated[bool | None, typer.Option("--drop/--keep", help="it was never a section, or is one")] = None,
    order: Annotated[int | None, typer.Option(min=1, help="its place on the slide; its number stays")] = None,
    scene_order: Annotated[SceneOrder | None, typer.Option(help="of all scenes of the slide: as scanned, as they lie, "
                                                                "or as the settings say")] = None,
    why: Annotated[str, typer.Option(help="is kept with what is said")] = "",
    by: By = None,
) -> None:  # fmt: skip
    """Change what was said about an animal, a slide or a scene. The next run redoes what that changes."""
    side, mirrored = side_sectioned_first and side_sectioned_first.value, flip and flip.value
    plane = orientation and orientation.value
    change_animal(
        name,
        Change(
            side, section_thickness_um, rotation, mirrored, pixel_size_um, plane, slide, status, scene, qc,
            replicates=replicate, dropped=drop, order=order, rescan=rescan,
            scene_order=scene_order and scene_order.value,
        ),
        person=_person(by),
        reason=why,
    )  # fmt: skip


@animal_app.command("list")
def list_animals() -> None:
    """The animals of this database."""
    for name in known_animals():
        typer.echo(name)


@animal_app.command("pair")
def pair(
    name: Name,
    fixed: Annotated[str, typer.Argument(help="a section, by its key or number")],
    moving: Annotated[str, typer.Argument(help="the next section")],
    rotation_deg: Annotated[float | None, typer.Option(help="clockwise, about the middle of the canvas")] = None,
    shift_x_um: Annotated[float | None, typer.Option(help="after the rotation, to the right")] = None,
    shift_y_um: Annotated[float | None, typer.Option(help="after the rotation, down")] = None,
    mirrored: Annotated[bool, typer.Option("--mirrored", help="left-right, before both: one of the two is mirrored, "
                                                              "and the other is not")] = False,
    as_they_lie: Annotated[bool, typer.Option("--as-they-lie", help="without any rotation and shift")] = False,
    release: Annotated[bool, typer.Option("--release", help="register the pair again")] = False,
    by: By = None,
) -> None:  # fmt: skip
    """Say by hand how a section lies on the one before: from a point of the first to the same point of the second."""
    from brainstack import aligning

    if release:
        typer.echo(aligning.take_back_pair(name, fixed, moving, person=_person(by)))
        return
    if ((rotation_deg, shift_x_um, shift_y_um) == (None, None, None)) != as_they_lie:
        raise BrainstackError(
            "Wanted --rotation-deg, --shift-x-um or --shift-y-um or, where the second section lies on the first as it "
            "is, --as-they-lie instead; --release takes back what was said."
        )
    given = GivenPair(math.radians(rotation_deg or 0.0), shift_x_um or 0.0, shift_y_um or 0.0, mirrored)
    typer.echo(aligning.give_pair(name, fixed, moving, given, person=_person(by)))


@align_app.command("show")
def show_alignment(
    name: Name,
    everything: Annotated[bool, typer.Option("--all", help="good sections too")] = False,
) -> None:
    """Sections that are doubtful or failed, with their verdict, metric and place; and what people said about them."""
    from brainstack.alignment_shown import show

    show(name, Console(), everything=everything)


@align_app.command("place")
def place(
    name: Name,
    section: ASection,
    rotation_deg: Annotated[float | None, typer.Option(help="clockwise, about the middle of the canvas")] = None,
    shift_x_um: Annotated[float | None, typer.Option(help="then, to the right in its own picture")] = None,
    shift_y_um: Annotated[float | None, typer.Option(help="then, down in its own picture")] = None,
    mirrored: Annotated[bool | None, typer.Option("--mirrored/--not-mirrored", help="left-right, before both")] = None,
    anchor: Annotated[bool, typer.Option("--anchor", help="the sections around it follow smoothly")] = False,
    by: By = None,
) -> None:
    """Say where a section lies, from a point of the stack to the same point of its own picture: to move an unturned
    picture right in the stack, shift it left. What is not given stays as it is now."""
    from brainstack import aligning

    rotation_rad = None if rotation_deg is None else math.radians(rotation_deg)
    given = aligning.Place(rotation_rad, shift_x_um, shift_y_um, mirrored)
    typer.echo(aligning.place(name, section, given, anchor=anchor, person=_person(by)))


@align_app.command("follow")
def follow(
    name: Name,
    section: ASection,
    neighbour: Annotated[str, typer.Argument(help="the section that it lies as, by its key or number")],
    by: By = None,
) -> None:
    """Say that a section lies as its neighbour does. Whether it is mirrored on its slide stays as it was found."""
    from brainstack import aligning

    typer.echo(aligning.follow(name, section, neighbour, person=_person(by)))


@align_app.command("leave-out")
def leave_out(
    name: Name,
    fixed: Annotated[str, typer.Argument(help="a section, by its key or number")],
    moving: Annotated[str, typer.Argument(help="one near it")],
    by: By = None,
) -> None:
    """Say that how one section lies on another is not used: they do not fit, or were registered wrongly."""
    from brainstack import aligning

    typer.echo(aligning.leave_out(name, fixed, moving, person=_person(by)))


@align_app.command("release")
def release_section(
    name: Name,
    section: ASection,
    other: Annotated[str, typer.Argument(help="of a pair that is left out, the other section")] = "",
    by: By = None,
) -> None:
    """Take back what was said of a section, or that a pair is left out."""
    from brainstack import aligning

    typer.echo(aligning.release(name, section, other, person=_person(by)))


def _person(by: str | None) -> str:
    from brainstack import aligning

    return aligning.user() if by is None else by


@slide_app.command("show")
def show_slide(
    file: Annotated[Path, typer.Argument(metavar="FILE.czi", help="the slide scan")],
    checksum: Annotated[bool, typer.Option("--checksum", help="of the whole file too, which reads all of it")] = False,
    pictures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="write the slide's label and preview there, as PNG")
    ] = None,
) -> None:
    """What a CZI holds: scenes, channels, pixel size, objective, time, compression, focal planes, checksum."""
    from brainstack import slide_show

    slide_show.show(slide_show.look_at(file, whole=checksum), Console())
    if pictures is not None:
        written = slide_show.write_pictures(file, pictures)
        for path in written:
            typer.echo(f"written: {path}")
        if not written:
            typer.echo(f"{file.name} has no label and no preview; nothing was written.")


@app.command()
def approve(
    name: Name,
    what: Annotated[What | None, typer.Argument(help="what to keep as it is")] = None,
    release: Annotated[bool, typer.Option("--release", help="let it follow from the stages again")] = False,
    show: Annotated[bool, typer.Option("--show", help="what is approved, and what it would be now")] = False,
) -> None:
    """Keep a gain, white point, canvas or alignment whatever later edits make of it; once more: take it as it is."""
    from brainstack import approval
    from brainstack.planning import look

    plan = look(name)
    if show or what is None:
        lines = approval.shown(plan)
    else:
        lines = approval.release(plan, what) if release else approval.approve(plan, what)
    for line in lines:
        typer.echo(line)


@app.command()
def adopt(
    name: Name,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would be adopted, and change nothing")] = False,
) -> None:
    """Take in a folder that the lab's scripts made: TIFFs and hand-edited masks are checked, and not made again."""
    from brainstack import adopting

    console = Console(stderr=True)
    with Bar(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("checking TIFFs", total=None)
        found = adopting.adopt(
            name, dry=dry_run, progress=lambda done, total: bar.update(task, completed=done, total=total)
        )
    adopting.show(name, found, Console(), dry=dry_run)


@app.command()
def check(
    name: Name,
    slide: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="only of this slide, by its file's name; may be repeated")
    ] = None,
) -> None:
    """Compare every TIFF with its slide scan, pixel by pixel; reads all of both, and prints a checksum of each."""
    from brainstack.planning import look
    from brainstack.slide_check import check_tifs, slides_to_check

    plan, wrong, done = look(name), 0, 0
    for one in check_tifs(plan, slides_to_check(plan, slide or [])):
        typer.echo(f"{one.checksum or '-':32} {one.file_name}")
        done += 1
        if one.error:
            wrong += 1
            typer.echo(one.error, err=True)
    if wrong:
        raise BrainstackError(
            f"{wrong} of {done} TIFFs are not as their slide scans; each is named above: delete those files, and run "
            "the same luigi command again."
        )
    typer.echo(f"All {done} TIFFs have the pixels of their slide scans.")


@app.command()
def verify(
    name: Name,
    channel: Annotated[int | None, typer.Option(min=1, help="counted from 1; all of them when left out")] = None,
) -> None:
    """Check an animal's volumes: that every chunk that was written is there and can be read, and no other is."""
    from brainstack.planning import look
    from brainstack.volume_records import verify as verify_volume

    plan = look(name)
    there = [
        (number, full)
        for number in [one.number for one in plan.channels if channel in (None, one.number)]
        for full in (False, True)
        if (plan.folder.volume(number, full=full) / "info").exists()
    ]
    if not there:
        raise BrainstackError(
            f"{name} has no volume {f'of channel {channel} ' if channel else ''}that could be checked; make it: luigi "
            f"--module tasks Animal --animal {name}"
        )
    wrong = 0
    for number, full in there:
        volume = plan.folder.volume(number, full=full).name
        with _counting(f"checking {volume}") as count:
            try:
                sentences = verify_volume(plan, number, full=full, progress=count)
            except BrainstackError as error:  # one that is not finished keeps no other from being checked
                sentences = [str(error)]
        for sentence in sentences or ["every chunk is there and can be read"]:
            typer.echo(f"{volume}: {sentence}")
        wrong += bool(sentences)
    if wrong:
        raise BrainstackError(
            f"{wrong} of {len(there)} volumes are not whole; delete their folders, and make them again: luigi --module "
            f"tasks Animal --animal {name}{' --resolution full' if any(full for _, full in there) else ''}"
        )


@app.command()
def downsample(
    folder: Annotated[Path, typer.Argument(help="of a volume in Neuroglancer's precomputed format, anybody's")],
    smallest_side_px: Annotated[
        int, typer.Option(min=1, help="levels are added until neither side is longer than this")
    ] = 256,
) -> None:
    """Make all smaller levels of any volume from its first: means of an image, the most frequent label of others."""
    from brainstack.files.volume_pyramid import pyramid_of

    with _counting(f"downsampling {folder.name}") as count:
        levels = pyramid_of(folder, smallest_side_px=smallest_side_px, progress=count)
    typer.echo(f"{folder} has {len(levels)} levels now.")


@contextmanager
def _counting(words: str) -> Iterator[Callable[[int, int], None]]:
    """A bar in a terminal, moved by calls with how much is done, of how much."""
    console = Console(stderr=True)
    with Bar(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@app.command()
def tidy(
    name: Name,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only list it")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="delete it without being asked")] = False,
) -> None:
    """Delete what is no longer needed: of sections, slides and channels that are gone, and old logs."""
    from brainstack import tidying

    with tidying.searched(name, dry=dry_run) as (plan, found):
        tidying.show(plan.folder, found, Console())
        if dry_run or not (found.leftovers or found.stamps):
            return
        if not yes and not sys.stdin.isatty():
            raise BrainstackError("Nothing was deleted: there is no terminal to ask in; say --yes to delete it.")
        if yes or typer.confirm("Delete what is no longer needed?"):
            tidying.delete_leftovers(plan, found)


@app.command()
def demo(
    name: Annotated[str, typer.Option(help="what to call it")] = DEMO,
    sections: Annotated[int, typer.Option(min=2, help="how many; four on each slide")] = 24,
    width_px: Annotated[int, typer.Option(min=300, help="of a scanned section, about")] = 3000,
    height_px: Annotated[int, typer.Option(min=200, help="of a scanned section, about")] = 2000,
    thumbnail_factor: Annotated[int | None, typer.Option(min=1, help="scan pixels to a side of a thumbnail's pixel; "
                                                                     "by default the one its truth is for")] = None,
    seed: Annotated[int, typer.Option(help="another number, another animal")] = 1,
    stain: Annotated[Stain, typer.Option(help="three channels of fluorescence, or thionin in "
                                              "bright field")] = Stain.FLUORESCENCE,
    difficulty: Annotated[Difficulty, typer.Option(help="how dirty and uneven the glass is, and how damaged the "
                                                        "sections are")] = Difficulty.EASY,
) -> None:  # fmt: skip
    """Make up an animal: slide scans of a phantom brain whose truth is known, added like a real one."""
    from brainstack.demo import difficulty_of, make_animal, stain_of
    from brainstack.demo.landmarks import write_landmarks

    folder = animal_folder(name)
    if (found := stain_of(folder.root)) not in (stain.value, None):
        raise BrainstackError(
            f"{folder.root} holds a made-up animal with the stain {found}, which stays as it is; "
            f"for one with the stain {stain.value} choose another --name."
        )
    if (found := difficulty_of(folder.root)) not in (difficulty.value, None):
        raise BrainstackError(
            f"{folder.root} holds a made-up animal of the difficulty {found}, which stays as it is; "
            f"for one of the difficulty {difficulty.value} choose another --name."
        )
    if name in known_animals():
        typer.echo(f"{name} is there already, in {folder.root}. For another one choose another --name.")
        return
    console = Console(stderr=True)
    with Bar(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(f"scanning {sections} sections", total=sections)
        truth = make_animal(
            folder.root, sections=sections, width_px=width_px, height_px=height_px, seed=seed,
            stain=stain.value, difficulty=difficulty.value,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )  # fmt: skip
    write_landmarks(folder, truth)
    histology = Histology(name, "ASC", truth.spacing_um, "coronal", COUNTERSTAINS[stain])
    scan_run = ScanRun(name, str(folder.czi))
    factor = thumbnail_factor or truth.thumbnail_factor
    for line in add_animal(Animal(name, comments="made up"), histology, scan_run, folder.czi, factor):
        typer.echo(line)


@app.command()
def where() -> None:
    """Where the data and the database are, and which file says so."""
    from brainstack.database.engine import shown
    from brainstack.environment import config_file

    typer.echo(f"data: {data_root()}")
    typer.echo(f"database: {shown(database_url())}")
    typer.echo(f"luigi.cfg: {config_file() or 'none found'}")
    if named := os.environ.get("BRAINSTACK_DATA_ROOT"):
        typer.echo(f"BRAINSTACK_DATA_ROOT: {named}")
