"""What people decide, with its history: each change is kept with who, when and why, and can be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from brainstack.database import animals, contrasts, filled_in, slides
from brainstack.database.reading import own_turns, replicates, verdict
from brainstack.database.tables import AnimalRow, DecisionRow, utc_now, with_zone
from brainstack.errors import BrainstackError
from brainstack.records import Turns
from brainstack.said import AS_THE_ANIMAL, DROPPED, KEPT, VERDICT_WORDS, Decided, Decision

AS_SCANNED = " as scanned"
"""Behind a pixel size that the first CZI gave, not a person."""
SHOWN_COLUMNS = (
    DecisionRow.id, DecisionRow.command, DecisionRow.what, DecisionRow.slide, DecisionRow.rescan, DecisionRow.scene,
    DecisionRow.old_value, DecisionRow.new_value, DecisionRow.person, DecisionRow.reason, DecisionRow.created,
    DecisionRow.undone_by, DecisionRow.undone,
)  # fmt: skip
"""Of a decision, as people are shown it. There are hundreds: as plain rows they are read in a third of the time."""
WITH_REASON = "verdict", "status"
"""What may be said again only to give another reason."""


@dataclass(frozen=True)
class About:
    """What a decision is about. rescan : 0 for what is about the whole animal."""

    prep_id: str
    slide: int
    rescan: int
    scene: int


@dataclass(frozen=True)
class Kind:
    """How what is decided is read, as text, and written. is_kept_here : no other table has it: it is what the last
    decision about it says that nobody took back, and `write` only checks the value."""

    level: str
    read: Callable[[Session, About], str]
    write: Callable[[Session, About, str], None]
    is_kept_here: bool = False


def decide(
    session: Session, prep_id: str, decisions: Sequence[Decision], *, person: str = "", reason: str = ""
) -> list[Decided]:
    """Do what a person decided, and keep that it was done. Returns what was changed: what was so already is left out.

    Raises BrainstackError for a value that cannot be, or no such slide or scene; then nothing may be kept.
    """
    take_turns(session, prep_id)
    rows: list[DecisionRow] = []
    for decision in decisions:
        kind, about = _kind(decision.what), _about(session, prep_id, decision)
        old = kind.read(session, about)
        kind.write(session, about, decision.value)
        session.flush()
        new = decision.value if kind.is_kept_here else kind.read(session, about)
        if new == old and not _is_other_reason(session, about, decision.what, reason):
            continue
        row = DecisionRow(
            prep_id=prep_id, slide=about.slide, rescan=about.rescan, scene=about.scene, what=decision.what,
            old_value=old, new_value=new, person=person, reason=reason,
        )  # fmt: skip
        session.add(row)
        session.flush()
        rows.append(row)
        row.command = rows[0].id
    session.flush()
    return [_decided(row) for row in rows]


def undo(
    session: Session, prep_id: str, *, slide: int = 0, scene: int = 0, number: int = 0, person: str = ""
) -> list[Decided]:
    """Take back what was decided last, and all else that the same command decided.

    slide, scene : only of these; 0 for any. number : of a decision, instead of the last. Raises BrainstackError where
    there is none, it was undone already, or what it decided was changed again since.
    """
    take_turns(session, prep_id)
    chosen = _by_number(session, prep_id, number) if number else _last(session, prep_id, slide, scene)
    in_force = DecisionRow.undone.is_(None) & (DecisionRow.command == chosen.command)
    query = select(DecisionRow).where(DecisionRow.prep_id == prep_id, in_force).order_by(DecisionRow.id.desc())
    rows = session.scalars(query).all()
    for row in rows:
        kind, about = _kind(row.what), About(prep_id, row.slide, row.rescan, row.scene)
        now = kind.read(session, about)
        if now != row.new_value:
            raise BrainstackError(
                f"{prep_id}: decision {row.id} made the {row.what} {row.new_value!r}, but it is {now!r} now: it was "
                "changed again since; undo that first."
            )
        _check_is_last(session, row)
        kind.write(session, about, row.old_value)
        row.undone_by, row.undone = person, utc_now()
        session.flush()
    return [_decided(row) for row in rows]


def _check_is_last(session: Session, row: DecisionRow) -> None:
    """Raises BrainstackError where somebody said the same again, for a reason of their own: that is still in force."""
    same = (DecisionRow.prep_id == row.prep_id) & (DecisionRow.slide == row.slide) & (DecisionRow.what == row.what)
    same &= (DecisionRow.rescan == row.rescan) & (DecisionRow.scene == row.scene) & DecisionRow.undone.is_(None)
    same &= (DecisionRow.id > row.id) & (DecisionRow.command != row.command)
    later = session.scalars(select(DecisionRow).where(same).order_by(DecisionRow.id.desc()).limit(1)).one_or_none()
    if later is not None:
        raise BrainstackError(
            f"{row.prep_id}: decision {row.id} made the {row.what} {row.new_value!r}, and {later.person or 'somebody'} "
            f"said so again since, in decision {later.id}; undo that first."
        )


def _is_other_reason(session: Session, about: About, what: str, reason: str) -> bool:
    """True where a verdict stays, and is said again with another reason, which is kept."""
    if what not in WITH_REASON or not reason:
        return False
    same = (DecisionRow.prep_id == about.prep_id) & (DecisionRow.slide == about.slide) & (DecisionRow.what == what)
    same &= (DecisionRow.rescan == about.rescan) & (DecisionRow.scene == about.scene) & DecisionRow.undone.is_(None)
    return session.scalar(select(DecisionRow.reason).where(same).order_by(DecisionRow.id.desc()).limit(1)) != reason


def history(session: Session, prep_id: str, slide: int = 0) -> list[Decided]:
    """All that was decided, in order, also what was undone. slide : only of this one; 0 for all."""
    animals.animal_row(session, prep_id)
    query = select(*SHOWN_COLUMNS).where(DecisionRow.prep_id == prep_id)
    if slide:
        query = query.where(DecisionRow.slide == slide)
    return [_decided(row) for row in session.execute(query.order_by(DecisionRow.id))]


def take_turns(session: Session, prep_id: str) -> None:
    """Two people who decide about one animal at once wait for each other, so that what was is what is kept as such."""
    animals.animal_row(session, prep_id)
    session.execute(select(AnimalRow.prep_id).where(AnimalRow.prep_id == prep_id).with_for_update())


def _by_number(session: Session, prep_id: str, number: int) -> DecisionRow:
    row = session.get(DecisionRow, number)
    if row is None or row.prep_id != prep_id:
        raise BrainstackError(
            f"{prep_id} has no decision {number}; `brainstack slides {prep_id} --history` lists them."
        )
    if row.undone is not None:
        raise BrainstackError(f"{prep_id}: decision {number} was undone already, by {row.undone_by or 'nobody named'}.")
    return row


def _last(session: Session, prep_id: str, slide: int, scene: int) -> DecisionRow:
    query = select(DecisionRow).where(DecisionRow.prep_id == prep_id, DecisionRow.undone.is_(None))
    for column, wanted in ((DecisionRow.slide, slide), (DecisionRow.scene, scene)):
        if wanted:
            query = query.where(column == wanted)
    row = session.scalars(query.order_by(DecisionRow.id.desc()).limit(1)).one_or_none()
    if row is None:
        of = f" of slide {slide}" if slide else ""
        of += f", scene {scene}," if scene else ""
        raise BrainstackError(f"{prep_id}: nothing was decided{of} that could be undone.")
    return row


def _about(session: Session, prep_id: str, decision: Decision) -> About:
    level = _kind(decision.what).level
    if level == "animal":
        return About(prep_id, 0, 0, 0)
    row = slides.slide_row(session, prep_id, decision.slide, decision.rescan)
    return About(prep_id, decision.slide, row.rescan_number, decision.scene if level == "scene" else 0)


def _kind(what: str) -> Kind:
    if contrasts.OF_CHANNEL.fullmatch(what):
        return Kind(
            "animal",
            lambda session, about: contrasts.value_of(session, about.prep_id, what),
            lambda session, about, value: contrasts.check_value(value),
            is_kept_here=True,
        )
    if what not in KINDS:
        raise BrainstackError(f"{what!r} is nothing that can be decided; wanted one of {', '.join(KINDS)}.")
    return KINDS[what]


def _decided(row: Any) -> Decided:
    """row : a DecisionRow, or one of SHOWN_COLUMNS."""
    return Decided(
        row.id, row.command, row.what, row.slide, row.rescan, row.scene, row.old_value, row.new_value,
        row.person, row.reason, with_zone(row.created), row.undone_by, with_zone(row.undone),
    )  # fmt: skip


# Of an animal


def _read_pixel_size(session: Session, about: About) -> str:
    run = animals.scan_run_row(session, about.prep_id)
    if run.resolution is None:
        return ""
    return f"{run.resolution!r}{'' if run.resolution_given else AS_SCANNED}"


def _write_pixel_size(session: Session, about: About, value: str) -> None:
    number = value.removesuffix(AS_SCANNED)
    if number:
        animals.set_resolution(session, about.prep_id, float(number))
    run = animals.scan_run_row(session, about.prep_id)
    run.resolution_given = bool(number) and number == value
    if not number:
        run.resolution = None


def _read_side(session: Session, about: About) -> str:
    """Empty where nobody has said how the animal was cut: writing adds the row."""
    row = animals.histology_if_there(session, about.prep_id)
    return "" if row is None else row.side_sectioned_first


def _read_rotation(session: Session, about: About) -> str:
    """Empty where nobody has said how the animal was scanned: writing adds the row."""
    row = animals.scan_run_if_there(session, about.prep_id)
    return "" if row is None else str(row.rotation)


def _write_rotation(session: Session, about: About, value: str) -> None:
    row = animals.scan_run_if_there(session, about.prep_id)
    animals.set_orientation(session, about.prep_id, int(value), "none" if row is None else row.flip)


def _write_flip(session: Session, about: About, value: str) -> None:
    animals.set_orientation(session, about.prep_id, animals.scan_run_row(session, about.prep_id).rotation, value)


# Of a slide


def _read_order(session: Session, about: About) -> str:
    order = slides.order_given(session, about.prep_id, about.slide, about.rescan)
    return ",".join(map(str, order or ()))


def _write_order(session: Session, about: About, value: str) -> None:
    order = [int(number) for number in value.split(",")] if value else None
    slides.set_order_of_scenes(session, about.prep_id, about.slide, order, rescan=about.rescan)


# Of a scene


def _read_verdict(session: Session, about: About) -> str:
    slide, rows = slides.scene_rows(session, about.prep_id, about.slide, about.scene, about.rescan)
    said = verdict(slide, rows)
    return DROPPED if said == 0 and not any(row.active for row in rows) else VERDICT_WORDS[said]


def _write_verdict(session: Session, about: About, value: str) -> None:
    animals.wanted("the verdict on a scene", value, (*VERDICT_WORDS, DROPPED, KEPT))
    place = about.prep_id, about.slide, about.scene
    if value in (DROPPED, KEPT):
        slides.set_scene_dropped(session, *place, value == DROPPED, rescan=about.rescan)
    else:
        slides.set_scene_qc(session, *place, VERDICT_WORDS.index(value), rescan=about.rescan)


def _read_replicates(session: Session, about: About) -> str:
    return str(replicates(*slides.scene_rows(session, about.prep_id, about.slide, about.scene, about.rescan)))


def _write_replicates(session: Session, about: About, value: str) -> None:
    slides.set_replicates(session, about.prep_id, about.slide, about.scene, int(value), rescan=about.rescan)


def _read_moved(session: Session, about: About) -> str:
    _, rows = slides.scene_rows(session, about.prep_id, about.slide, about.scene, about.rescan)
    return rows[0].moved_after or ""


def _write_moved(session: Session, about: About, value: str) -> None:
    slides.set_moved_after(session, about.prep_id, about.slide, about.scene, value, rescan=about.rescan)


def _read_turns(session: Session, about: About) -> str:
    _, rows = slides.scene_rows(session, about.prep_id, about.slide, about.scene, about.rescan)
    own = own_turns(rows[0])
    return AS_THE_ANIMAL if own is None else f"{own.rotation} {own.flip}"


def _write_turns(session: Session, about: About, value: str) -> None:
    rotation, _, flip = value.partition(" ")
    turns = None if value == AS_THE_ANIMAL else Turns(int(rotation), flip)
    slides.set_turns(session, about.prep_id, about.slide, about.scene, turns, rescan=about.rescan)


def _filled_in(name: str) -> Kind:
    """A column that people merely fill in."""
    return Kind(
        "animal",
        lambda session, about: filled_in.read(session, about.prep_id, name),
        lambda session, about, value: filled_in.write(session, about.prep_id, name, value),
    )


KINDS = {
    "side_sectioned_first": Kind(
        "animal",
        _read_side,
        lambda session, about, value: animals.set_side_sectioned_first(session, about.prep_id, value),
    ),
    "section_thickness_um": Kind(
        "animal",
        lambda session, about: repr(animals.histology_row(session, about.prep_id).section_thickness),
        lambda session, about, value: animals.set_section_thickness(session, about.prep_id, float(value)),
    ),
    "orientation": Kind(
        "animal",
        lambda session, about: animals.histology_row(session, about.prep_id).orientation or "",
        lambda session, about, value: animals.set_section_plane(session, about.prep_id, value),
    ),
    "rotation": Kind("animal", _read_rotation, _write_rotation),
    "flip": Kind("animal", lambda session, about: animals.scan_run_row(session, about.prep_id).flip, _write_flip),
    "pixel_size_um": Kind("animal", _read_pixel_size, _write_pixel_size),
    "status": Kind(
        "slide",
        lambda session, about: slides.slide_row(session, about.prep_id, about.slide, about.rescan).slide_status,
        lambda session, about, value: slides.set_slide_status(
            session, about.prep_id, about.slide, value, rescan=about.rescan
        ),
    ),
    "rescan_use": Kind(
        "slide",
        lambda session, about: slides.slide_row(session, about.prep_id, about.slide, about.rescan).rescan_use,
        lambda session, about, value: slides.set_rescan_use(
            session, about.prep_id, about.slide, value, rescan=about.rescan
        ),
    ),
    "scene_order": Kind("slide", _read_order, _write_order),
    "verdict": Kind("scene", _read_verdict, _write_verdict),
    "replicates": Kind("scene", _read_replicates, _write_replicates),
    "moved_after": Kind("scene", _read_moved, _write_moved),
    **{name: _filled_in(name) for name in filled_in.FIELDS},
    "turns": Kind("scene", _read_turns, _write_turns),
}
"""What can be decided; see brainstack/said.py for the values."""
