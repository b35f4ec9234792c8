"""What a person decides about an animal, a slide or a scene: checked, done, and kept with who and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from brainstack.database import Database, create_or_upgrade, open_database, run_in_transaction
from brainstack.decided_before import DecidedMeanwhileError, about, last_of, meanwhile, version_of
from brainstack.environment import animal_folder, database_url
from brainstack.errors import BrainstackError
from brainstack.places_by_hand import check_can_turn, check_not_placed
from brainstack.planning import list_czi
from brainstack.records import Slide, SlideScan, Turns
from brainstack.said import AS_THE_ANIMAL, DROPPED, FIRST, KEPT, VERDICT_WORDS, Decided, Decision
from brainstack.settings import load_settings
from brainstack.slide_names import slide_number, slide_rescan
from brainstack.stack import ADDS, by_position, by_scan, default_order, scene_key


@dataclass(frozen=True)
class Change:
    """What a person says anew about an animal; None for what stays. slide with status, scene_order or rescan_use, or
    slide with scene and one of qc, replicates, dropped, order, moved_after.

    scene_order : numbers as "3,1,2", "scan", "position" or, to take it back, "settings". rescan : which scan of the
    slide, where there are several; rescan_use : what a later one is for, "replaces" or "adds". moved_after : key of the
    section that the scene lies behind, "first", or "" to take it back. scene_rotation, scene_flip : of this scene, in
    place of the animal's; what is left out stays as it is turned now. as_animal : True where it is to be turned as the
    animal again. use_scan : True where sections are to be taken from this scan of the slide, and not from another that
    replaces it.
    """

    side_sectioned_first: str | None = None
    section_thickness_um: float | None = None
    rotation: int | None = None
    flip: str | None = None
    pixel_size_um: float | None = None
    orientation: str | None = None
    slide: int | None = None
    status: str | None = None
    scene: int | None = None
    qc: int | None = None
    replicates: int | None = None
    dropped: bool | None = None
    order: int | None = None
    rescan: int | None = None
    scene_order: str | None = None
    rescan_use: str | None = None
    moved_after: str | None = None
    scene_rotation: int | None = None
    scene_flip: str | None = None
    as_animal: bool = False
    use_scan: bool = False

    @property
    def is_about_a_scene(self) -> bool:
        said = (self.qc, self.replicates, self.dropped, self.order, self.moved_after)
        return said != (None,) * 5 or self.is_about_turns

    @property
    def is_about_turns(self) -> bool:
        """True for how a scene is turned."""
        return self.as_animal or (self.scene_rotation, self.scene_flip) != (None, None)


def change_animal(
    prep_id: str, change: Change, *, person: str = "", reason: str = "", seen: str | None = None,
    seen_slide: str | None = None,
) -> list[Decided]:  # fmt: skip
    """Write a change to the database, with who decided it and why. Returns what was changed by it; what was so already
    is left out.

    seen : the version of what it is about (see decided_before.py) that the person knows; None for whatever there is.
    seen_slide : that of its slide, where the change is about a scene and about the order on its slide.
    Raises BrainstackError where it says nothing, or half of something; DecidedMeanwhileError where somebody decided
    about the same thing since `seen`, and this would change it.
    """
    if change == Change():
        raise BrainstackError("Nothing to change was given; see `brainstack animal set --help`.")
    _check_whole(change)
    create_or_upgrade(database_url())
    return run_in_transaction(
        database_url(),
        lambda database: change_in(
            database, prep_id, change, person=person, reason=reason, seen=seen, seen_slide=seen_slide
        ),
    )


def change_in(
    database: Database, prep_id: str, change: Change, *, person: str = "", reason: str = "", seen: str | None = None,
    seen_slide: str | None = None,
) -> list[Decided]:  # fmt: skip
    """`change_animal` in a transaction that does more than that."""
    _check_whole(change)
    database.take_turns(prep_id)
    if change.slide is not None and change.status is not None:
        _make_known(database, prep_id, change.slide)
    decided = [] if (seen, seen_slide) == (None, None) else database.decided(prep_id, change.slide or 0)
    known = [
        (about(decided, change.slide, change.rescan, scene), version)
        for scene, version in ((change.scene, seen), (None, seen_slide))
        if version is not None
    ]
    _check_turns(database, prep_id, change)
    made = [*_of_animal(change), *_of_slide(database, prep_id, change), *_of_scene(database, prep_id, change)]
    changed = database.decide(prep_id, made, person=person, reason=reason)
    for before, version in known if changed else ():
        if version_of(before) != version:
            raise DecidedMeanwhileError(meanwhile(before))  # which takes back what was written
    return changed


def undo_decision(prep_id: str, *, slide: int = 0, scene: int = 0, number: int = 0, person: str = "") -> list[Decided]:
    """Take back what was decided last, of a slide or scene where they are given, or the decision of a number; with all
    that was decided with it. Returns what was taken back."""
    create_or_upgrade(database_url())

    def work(database: Database) -> list[Decided]:
        before = database.animal_records(prep_id).scan_run.turns
        taken_back = database.undo(prep_id, slide=slide, scene=scene, number=number, person=person)
        after = database.animal_records(prep_id)
        if after.scan_run.turns != before:
            check_can_turn(prep_id, (*after.alignment_edits, *after.pairs_by_hand))
        return taken_back

    return run_in_transaction(database_url(), work)


def undo_last(prep_id: str, person: str) -> list[Decided]:
    """Take back what a person decided last about slides and scenes, or how the animal is turned. Returns what was taken
    back. Raises BrainstackError where there is nothing."""
    create_or_upgrade(database_url())
    with open_database(database_url()) as database:
        last = last_of(database.decided(prep_id), person)
    if last is None:
        raise BrainstackError(f"{person or 'Nobody named'} decided nothing about {prep_id} that could be taken back.")
    return undo_decision(prep_id, number=last.number, person=person)


def _of_animal(change: Change) -> Iterator[Decision]:
    said = {
        "side_sectioned_first": change.side_sectioned_first,
        "section_thickness_um": change.section_thickness_um,
        "orientation": change.orientation,
        "pixel_size_um": change.pixel_size_um,
        "rotation": change.rotation,
        "flip": change.flip,
    }
    for what, value in said.items():
        if value is not None:
            yield Decision(what, str(value))


def _of_slide(database: Database, prep_id: str, change: Change) -> Iterator[Decision]:
    if change.slide is None:
        return
    if change.status is not None:
        yield Decision("status", change.status, change.slide, rescan=change.rescan)
    if change.rescan_use is not None:
        yield Decision("rescan_use", change.rescan_use, change.slide, rescan=change.rescan)
    if change.use_scan:
        yield from _to_use(database, prep_id, change.slide, change.rescan)
    if change.scene_order is not None:
        order = _order_scenes(database, prep_id, change.slide, change.scene_order, change.rescan)
        yield Decision("scene_order", _listed(order), change.slide, rescan=change.rescan)


def _of_scene(database: Database, prep_id: str, change: Change) -> Iterator[Decision]:
    if change.slide is None or change.scene is None:
        return
    said = {
        "verdict": None if change.qc is None else VERDICT_WORDS[change.qc],
        "replicates": None if change.replicates is None else str(change.replicates),
        "moved_after": _checked_move(database, prep_id, change),
        "turns": _turned(database, prep_id, change),
    }
    if change.dropped is not None:
        said["verdict"] = DROPPED if change.dropped else KEPT
    for what, value in said.items():
        if value is not None:
            yield Decision(what, value, change.slide, change.scene, change.rescan)
    if change.order is not None:
        default = _default_order(database, prep_id, change.slide, change.rescan)
        order = database.order_with(
            prep_id, change.slide, change.scene, change.order, rescan=change.rescan, default=default
        )
        yield Decision("scene_order", _listed(order), change.slide, rescan=change.rescan)


def _to_use(database: Database, prep_id: str, number: int, rescan: int | None) -> Iterator[Decision]:
    """What makes one scan of a slide the one that sections are taken from: later ones that replace it are bad."""
    scans = _scans(database, prep_id, number, None)
    chosen = next((scan for scan in scans if scan.rescan == rescan), None)
    if chosen is None or not chosen.channels:
        known = ", ".join(str(scan.rescan) for scan in scans if scan.channels) or "none"
        raise BrainstackError(
            f"{prep_id}: slide {number} has no scan {rescan or ''} that was read and could be used; wanted one of: "
            f"{known}."
        )
    for scan in scans:
        if scan.rescan > chosen.rescan and scan.rescan_use != ADDS and scan.status == "Good" and scan.channels:
            yield Decision("status", "Bad", number, rescan=scan.rescan)
    yield Decision("status", "Good", number, rescan=chosen.rescan)
    yield Decision("rescan_use", "replaces", number, rescan=chosen.rescan)


def _check_turns(database: Database, prep_id: str, change: Change) -> None:
    """Raises BrainstackError where the animal is to be turned, and a section was placed by hand from its picture as it
    is turned now, so that this cannot be carried along."""
    if change.rotation is None and change.flip is None:
        return
    records = database.animal_records(prep_id)
    now = records.scan_run.turns
    wanted = Turns(now.rotation if change.rotation is None else change.rotation, change.flip or now.flip)
    if wanted != now:
        check_can_turn(prep_id, (*records.alignment_edits, *records.pairs_by_hand))


def _turned(database: Database, prep_id: str, change: Change) -> str | None:
    """How a scene is to be turned, as a decision says it; None where nothing was said of it. Raises BrainstackError
    where its section was placed by hand: that is from its picture as it is turned now."""
    if not change.is_about_turns or change.slide is None:
        return None
    records = database.animal_records(prep_id)
    animals = records.scan_run.turns
    scans = _scans(database, prep_id, change.slide, change.rescan)
    found = [(scan, one) for scan in scans for one in scan.scenes if one.number == change.scene]
    own = found[0][1].turns if found else None
    now = own or animals
    if change.as_animal:
        wanted = animals
    else:
        rotation = now.rotation if change.scene_rotation is None else change.scene_rotation
        wanted = Turns(rotation, change.scene_flip or now.flip)
    if found and wanted != now:
        check_not_placed(prep_id, scene_key(*found[0]), (*records.alignment_edits, *records.pairs_by_hand))
    return AS_THE_ANIMAL if change.as_animal else f"{wanted.rotation} {wanted.flip}"


def _checked_move(database: Database, prep_id: str, change: Change) -> str | None:
    """The section that a scene is moved behind. Raises BrainstackError where it is none, or the scene itself."""
    if change.moved_after in (None, "", FIRST):
        return change.moved_after
    slides = database.animal_records(prep_id).slides
    known = {scene_key(slide, scene): (slide, scene) for slide in slides for scene in slide.scenes}
    if change.moved_after not in known:
        raise BrainstackError(
            f"{prep_id} has no section {change.moved_after!r} that a scene could be moved behind; wanted a key such as "
            f"{next(iter(known), 'slide001_S1')}, or {FIRST}."
        )
    slide, scene = known[change.moved_after]
    if (slide.number, scene.number) == (change.slide, change.scene) and change.rescan in (None, slide.rescan):
        raise BrainstackError(f"{change.moved_after} was moved behind itself; name another section.")
    return change.moved_after


def _listed(order: Sequence[int] | None) -> str:
    return ",".join(map(str, order or ()))


def _make_known(database: Database, prep_id: str, number: int) -> None:
    """A slide that Meta could not read, or has not yet, can be marked as well: its file is in the folder."""
    folder = animal_folder(prep_id)
    settings = load_settings(folder.settings)
    known = {slide.file_name for slide in database.animal_records(prep_id).slides}
    for file in list_czi(folder.czi) if folder.czi.is_dir() else ():
        if file.name not in known and slide_number(file.name, settings) == number:
            unread = SlideScan(file.name, "", None, (), ())
            rescan = slide_rescan(file.name, settings)
            database.take_in_slide(prep_id, unread, slide_number=number, rescan=rescan, file_size=file.size)


def _check_whole(change: Change) -> None:
    """Raises BrainstackError where only half of something was said."""
    of_slide = change.status, change.scene, change.rescan, change.scene_order, change.rescan_use
    if (of_slide != (None,) * 5 or change.use_scan) and change.slide is None:
        raise BrainstackError(
            "--status, --scene-order, --scene and --rescan are about one slide; give its number with --slide."
        )
    if change.scene is None and change.is_about_a_scene:
        raise BrainstackError(
            "--qc, --replicate, --drop, --keep, --order and turns are about one scene; give its slide with --slide and "
            "its number there with --scene."
        )
    if change.slide is not None and (*of_slide[:2], *of_slide[3:]) == (None,) * 4 and not change.use_scan:
        raise BrainstackError(
            "Of the slide nothing was said; give --status, --scene-order, or --scene and what is said about it."
        )
    if change.scene_order is not None and change.order is not None:
        raise BrainstackError("An order of all scenes and a place of one were given at once; wanted one of the two.")
    if change.as_animal and (change.scene_rotation, change.scene_flip) != (None, None):
        raise BrainstackError("Turns of the scene and --as-animal were given at once; wanted one of the two.")
    if change.scene is not None and not change.is_about_a_scene:
        raise BrainstackError(
            "Of the scene nothing was said; give --qc, --replicate, --drop, --keep, --order, --after or --rotation."
        )
    if change.dropped is not None and (change.qc is not None or (change.dropped and change.replicates)):
        raise BrainstackError(
            "A scene was given a verdict or copies, and dropped or kept, at once; wanted one: --drop for a scene that "
            "was never a section, --qc 1 or 2 for a bad section, and --replicate with it to fill its slot."
        )


def _default_order(database: Database, prep_id: str, number: int, rescan: int | None) -> tuple[int, ...]:
    """Numbers of the scenes of a slide as they follow each other where nobody ordered them; () for as scanned."""
    setting = load_settings(animal_folder(prep_id).settings).slides.scene_order
    scans = _scans(database, prep_id, number, rescan)
    return default_order(scans[0], setting) if setting == "position" and len(scans) == 1 else ()


def _order_scenes(
    database: Database, prep_id: str, number: int, scene_order: str, rescan: int | None
) -> tuple[int, ...] | None:
    """The order that a word stands for; None for as the settings say."""
    order: tuple[int, ...] | None = None
    scans = _scans(database, prep_id, number, rescan)
    if scene_order != "settings" and len(scans) == 1:  # where there are none, or several, the database says so
        scenes = scans[0].scenes
        if scene_order[:1].isdigit():
            return _numbers(scans[0], scene_order)
        order = by_scan(scenes) if scene_order == "scan" else by_position(scenes)
        if order is None:
            raise BrainstackError(
                f"{scans[0].file_name} was read before the places of its scenes were kept, so that they cannot be put "
                f"in order by them; run the task Meta first: luigi --module tasks Meta --animal {prep_id}."
            )
    return order


def _numbers(slide: Slide, listed: str) -> tuple[int, ...]:
    """The order that a person listed. Raises BrainstackError for what is no list of the slide's scenes."""
    words = listed.split(",")
    numbers = [int(word) for word in words if word.strip().isdecimal()]
    known = {scene.number for scene in slide.scenes}
    if len(numbers) != len(words) or len(set(numbers)) != len(numbers) or not known <= set(numbers):
        raise BrainstackError(
            f"{listed!r} is no order of the scenes of {slide.file_name}; wanted each of "
            f"{', '.join(map(str, sorted(known)))} once, with commas between."
        )
    return tuple(numbers)


def _scans(database: Database, prep_id: str, number: int, rescan: int | None) -> list[Slide]:
    slides = database.animal_records(prep_id).slides
    return [slide for slide in slides if slide.number == number and rescan in (None, slide.rescan)]
