"""Slides and scenes as a person sees them: a table of an animal's slides, and what was decided about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from brainstack.database import create_or_upgrade, open_database
from brainstack.environment import animal_folder, database_url
from brainstack.records import Slide, SlideScene, Turns
from brainstack.said import AS_THE_ANIMAL, VERDICT_WORDS, Decided
from brainstack.settings import load_settings
from brainstack.stack import ADDS, Disagreement, SceneOrder, disagreements, scans_in_use, scenes_in_order

FLIP_WORDS = {"none": "", "flip": "half a turn", "flop": "mirrored"}
ANIMAL = "the animal"


def show_slides(prep_id: str, console: Console) -> None:
    """Print a row a slide scan: status, scenes in order with verdicts and copies, what a person should know."""
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        slides, decided = database.animal_records(prep_id).slides, database.decided(prep_id)
    if not slides:
        console.print(f"No slide of {prep_id} was read yet; luigi --module tasks Meta --animal {prep_id} reads them.")
        return
    console.print(slides_table(slides, decided, load_settings(animal_folder(prep_id).settings).slides.scene_order))


def slides_table(slides: Sequence[Slide], decided: Iterable[Decided], scene_order: SceneOrder) -> Table:
    """scene_order : of the settings."""
    table = Table(title_justify="left")
    for title in ("slide", "scan", "file", "status", "scenes, in order", "what to know"):
        table.add_column(title, justify="right" if title in ("slide", "scan") else "left")
    in_use, why = scans_in_use(slides), reasons(decided)
    odd = {one.slide.file_name: one for one in disagreements(in_use)}
    for slide in slides:
        scenes = [scene_words(slide, scene, why) for scene in scenes_in_order(slide, scene_order)]
        scenes += [f"{scene.number} end" for scene in slide.scenes if scene.qc == VERDICT_WORDS.index("end")]
        known = _known(slide, in_use, odd.get(slide.file_name), why)
        table.add_row(
            str(slide.number), str(slide.rescan), escape(slide.file_name), _status(slide), "\n".join(scenes) or "-",
            escape("\n".join(known)),
        )  # fmt: skip
    return table


def reasons(decided: Iterable[Decided]) -> dict[tuple[int, int, int, str], str]:
    """Why something is as it is: (slide, rescan, scene, what) -> the reason of the last decision that is in force."""
    return {(one.slide, one.rescan, one.scene, one.what): one.reason for one in decided if not one.undone}


def scene_words(slide: Slide, scene: SlideScene, why: Mapping[tuple[int, int, int, str], str]) -> str:
    """A scene in a few words, such as "3 bad (folded): a gap"."""
    words = str(scene.number)
    if scene.qc:
        reason = why.get((slide.number, slide.rescan, scene.number, "verdict"), "")
        words += f" {VERDICT_WORDS[scene.qc]}{f' ({reason})' if reason else ''}"
        words += f": {_copies(scene.replicates)} of its neighbour" if scene.replicates else ": a gap"
    elif scene.replicates:
        words += f" and {_copies(scene.replicates)} of it"
    words += f", turned by itself ({turned_words(scene.turns)})" if scene.turns is not None else ""
    return words + (f", moved behind {scene.moved_after}" if scene.moved_after else "")


def turned_words(turns: Turns) -> str:
    """Such as "1 quarter turn clockwise, mirrored"."""
    rotation = f"{turns.rotation} quarter turn{'s' * (turns.rotation != 1)} clockwise" if turns.rotation else ""
    return ", ".join(filter(None, [rotation, FLIP_WORDS[turns.flip]])) or "not turned"


def _copies(number: int) -> str:
    return "1 copy" if number == 1 else f"{number} copies"


def _status(slide: Slide) -> str:
    return "[red]Bad[/red]" if slide.status == "Bad" else slide.status


def _known(
    slide: Slide, in_use: Sequence[Slide], odd: Disagreement | None, why: Mapping[tuple[int, int, int, str], str]
) -> list[str]:
    lines = [] if slide in in_use else ["not in use: another scan is"]
    if slide.rescan_use == ADDS:
        lines.append("adds scenes to the scan before")
    if reason := why.get((slide.number, slide.rescan, 0, "status"), ""):
        lines.append(reason)
    if any(scene.order for scene in slide.scenes):
        lines.append("a person put its scenes in order")
    if odd is not None:
        scanned, lying = (", ".join(map(str, order)) for order in (odd.scanned, odd.lying))
        lines.append(f"scanned in the order {scanned}, but they lie in the order {lying}")
    return [*lines, *slide.warnings]


def show_history(prep_id: str, console: Console, slide: int = 0) -> None:
    """Print what was decided, with who, when and why."""
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        decided = database.decided(prep_id, slide)
    if not decided:
        console.print(f"Nothing was decided{f' of slide {slide}' if slide else ''} of {prep_id} yet.")
        return
    table = Table(title_justify="left")
    for title in ("number", "when (UTC)", "who", "what", "why", "undone"):
        table.add_column(title, justify="right" if title == "number" else "left")
    for one in decided:
        undone = f"{_when(one.undone)} by {one.undone_by or '-'}" if one.undone else ""
        table.add_row(
            str(one.number), _when(one.at), escape(one.person or "-"), escape(said(one)), escape(one.reason), undone
        )
    console.print(table)


def said(one: Decided, *, back: bool = False) -> str:
    """A decision as a line, such as "slide 12, scene 3: verdict good -> bad". back : as it is taken back."""
    old, new = (one.new, one.old) if back else (one.old, one.new)
    place = f"slide {one.slide}" if one.slide else ANIMAL
    place += f" (scan {one.rescan})" if one.rescan > 1 else ""
    place += f", scene {one.scene}" if one.scene else ""
    if one.what == "turns":
        old, new = (_turns(value) for value in (old, new))
    return f"{place}: {one.what} {old or '-'} -> {new or '-'}"


def _turns(value: str) -> str:
    """As a decision has it -> for people."""
    rotation, _, flip = value.partition(" ")
    return "as the animal" if value == AS_THE_ANIMAL else turned_words(Turns(int(rotation), flip))


def _when(at: str) -> str:
    return at[:16].replace("T", " ")
