"""A database that is open: one transaction, records in and out."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TypeVar

from sqlalchemy.orm import Session

from brainstack.database import alignment, animals, reading, results, slides
from brainstack.database.engine import WRITES, engine_for, lock_for_writing
from brainstack.database.people import WhatPeopleSay
from brainstack.database.schema import check_version, refuse_missing
from brainstack.database.waiting import BUSY_TIMEOUT_S, DatabaseBusy, again_while_busy
from brainstack.database.who_reviews import WhoReviews
from brainstack.records import (
    AlignmentEdit,
    Animal,
    AnimalRecords,
    ChannelGain,
    Histology,
    PairTransform,
    Ran,
    ScanRun,
    SectionAlignment,
    SlideScan,
    SlideScene,
    TifFile,
)

T = TypeVar("T")
_turn = threading.RLock()


def _forget_turn() -> None:
    """In a process that was forked, the thread that has its turn just now is not there."""
    global _turn
    _turn = threading.RLock()


os.register_at_fork(after_in_child=_forget_turn)


@contextmanager
def _its_turn() -> Iterator[None]:
    """Raises DatabaseBusy where another thread keeps the turn for longer than a transaction may take."""
    turn = _turn
    if not turn.acquire(timeout=BUSY_TIMEOUT_S):
        raise DatabaseBusy("The database is busy: others write to it, and this could not be done. Try again.")
    try:
        yield
    finally:
        turn.release()


def run_in_transaction(url: str, work: Callable[[Database], T]) -> T:
    """What work returns, in a transaction of its own. Where others who write are in the way (a deadlock, a lock that
    is not let go), nothing of it is kept and it is run again: so it must do nothing but ask and tell the database.

    Threads of one process that write to a file of SQLite wait for each other here, where each is woken when it is its
    turn: SQLite looks again after pauses of up to a tenth of a second, in which others come first.
    """

    def once() -> T:
        with _its_turn() if url.startswith("sqlite") else nullcontext(), open_database(url) as database:
            return work(database)

    return again_while_busy(once)


@contextmanager
def open_database(url: str) -> Iterator[Database]:
    """The database for the length of a block: all that the block wrote is kept when it ends, nothing when it raises.

    Makes and upgrades nothing. Raises BrainstackError, saying what to do, where the database is missing, of another
    version, locked, read-only or damaged.
    """
    with engine_for(url) as engine:
        refuse_missing(engine.url)
        with engine.connect() as connection:
            check_version(connection)
            connection.rollback()  # what follows is a transaction of its own
            with Session(connection, expire_on_commit=False) as session:
                yield Database(session)
                session.commit()


class Database(WhatPeopleSay, WhoReviews):
    """What brainstack asks of a database and tells it. Made by `open_database`.

    Every method that names an animal raises BrainstackError where there is no such animal. A block that writes
    should write before it reads, or use a block for each: so it waits its turn instead of failing when another
    process writes at the same time.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def _writing(self) -> Session:
        """The session; its transaction, where none has begun, is one that may write from its beginning."""
        if not self._session.in_transaction():
            self._session.connection(execution_options={WRITES: True})
        lock_for_writing(self._session.connection())
        return self._session

    # Animals

    def add_animal(self, animal: Animal, histology: Histology, scan_run: ScanRun) -> None:
        """A new animal. Raises BrainstackError where there is one of this name, or for a value that cannot be."""
        animals.add_animal(self._writing(), animal, histology, scan_run)

    def animals(self) -> list[str]:
        """The names of all active animals, sorted."""
        return animals.animals(self._session)

    def animal_records(self, prep_id: str) -> AnimalRecords:
        """All that a run needs to know of an animal.

        Left out are slides made inactive, and scenes all of whose rows are inactive without a verdict: they were
        never sections. A scene with a verdict, and a slide whose status is Bad, are there and say so.
        """
        return reading.animal_records(self._session, prep_id)

    def dropped_scenes(self, prep_id: str) -> dict[str, tuple[SlideScene, ...]]:
        """The scenes that were never sections, by the file name of their slide."""
        return reading.dropped_scenes(self._session, prep_id)

    def scan_run_number(self, prep_id: str) -> int:
        """rescan_number of the scan run that the code reads."""
        return animals.scan_run_row(self._session, prep_id).rescan_number

    # What stages found

    def take_in_slide(
        self,
        prep_id: str,
        scan: SlideScan,
        *,
        slide_number: int,
        rescan: int,
        file_size: int,
        checksum: tuple[str, str] | None = None,
        pictures: Collection[str] = (),
    ) -> None:
        """What a CZI file says: rows of slide and slide_czi_to_tif, new or brought up to date.

        What a person decided stays (slide_status, scene_qc, inserts, active, comments). A scene or channel that the
        file no longer holds loses its row. file_size : bytes. checksum : its kind, "quick" or "whole", and its digits;
        None where it was not computed. pictures : of "label" and "preview", those that the scan has.
        """
        slides.take_in_slide(
            self._writing(),
            prep_id,
            scan,
            slide_number=slide_number,
            rescan=rescan,
            file_size=file_size,
            checksum=checksum,
            pictures=pictures,
        )

    def take_in_tifs(self, prep_id: str, files: Iterable[TifFile]) -> None:
        """Width, height, bytes, duration of TIFFs. Raises BrainstackError for one that no slide of the animal has."""
        slides.take_in_tifs(self._writing(), prep_id, files)

    def tif_names(self, prep_id: str) -> set[str]:
        """File names of all TIFFs that the animal's slides give."""
        return set(slides.tif_ids(self._writing(), prep_id))

    def take_in_canvas(self, prep_id: str, width: int, height: int) -> None:
        """width, height : of the common canvas, in pixels of the full scan."""
        animals.take_in_canvas(self._writing(), prep_id, width, height)

    def take_in_pairs(self, prep_id: str, pairs: Iterable[PairTransform]) -> None:
        """The transform of each pair, new or instead of the one before; those of other pairs stay.

        Raises BrainstackError for a number that is not finite.
        """
        alignment.take_in_pairs(self._writing(), prep_id, pairs)

    def pairs(self, prep_id: str) -> list[PairTransform]:
        """All pairs that are kept, also those no longer in the stack: choose by the pairs of the plan."""
        return alignment.pairs(self._session, prep_id)

    def take_in_sections(self, prep_id: str, sections: Iterable[SectionAlignment]) -> None:
        """Where each section lies in the aligned stack, instead of all that was known of the animal before: a section
        that is not among them has no place any more.

        Raises BrainstackError for a number that is not finite.
        """
        alignment.take_in_sections(self._writing(), prep_id, sections)

    def sections_aligned(self, prep_id: str) -> list[SectionAlignment]:
        """Where the sections lie, as the last run had it; by their keys."""
        return alignment.sections_aligned(self._session, prep_id)

    def take_in_gains(self, prep_id: str, gains: Iterable[ChannelGain]) -> None:
        """What each channel is made bright by, new or instead of what was in force before."""
        results.take_in_gains(self._writing(), prep_id, gains)

    def gains(self, prep_id: str) -> list[ChannelGain]:
        """The gain in force of each channel, or the white point of one in colour; by channel."""
        return results.gains(self._session, prep_id)

    # The log

    def take_in_log(self, prep_id: str, entries: Iterable[Ran]) -> None:
        """Steps that were run. One of the same stage, channel, item and start as one in the log is the same step."""
        results.take_in_log(self._writing(), prep_id, entries)

    def log_of(
        self,
        prep_id: str,
        *,
        stage: str | None = None,
        channel: int | None = None,
        item: str | None = None,
        failed: bool | None = None,
    ) -> list[Ran]:
        """The log by time of start, or what of it fits. failed : True for failures only, False for successes only."""
        return results.log_of(self._session, prep_id, stage=stage, channel=channel, item=item, failed=failed)

    # What people decide

    def set_slide_status(self, prep_id: str, slide_number: int, status: str, *, rescan: int | None = None) -> None:
        """status : "Good" or "Bad". rescan : which scan of the slide, needed where there are several."""
        slides.set_slide_status(self._writing(), prep_id, slide_number, status, rescan=rescan)

    def set_scene_qc(self, prep_id: str, slide_number: int, scene: int, qc: int, *, rescan: int | None = None) -> None:
        """scene : counted from 1. qc : 0 good, 1 out of focus, 2 bad tissue, 3 end of the tissue."""
        slides.set_scene_qc(self._writing(), prep_id, slide_number, scene, qc, rescan=rescan)

    def set_scene_dropped(
        self, prep_id: str, slide_number: int, scene: int, dropped: bool, *, rescan: int | None = None
    ) -> None:
        """dropped : True for a scene that was never a section, False for one that is one after all."""
        slides.set_scene_dropped(self._writing(), prep_id, slide_number, scene, dropped, rescan=rescan)

    def set_replicates(
        self, prep_id: str, slide_number: int, scene: int, replicates: int, *, rescan: int | None = None
    ) -> None:
        """replicates : how many copies of a scene follow it; of a bad scene, how many slots its neighbour fills."""
        slides.set_replicates(self._writing(), prep_id, slide_number, scene, replicates, rescan=rescan)

    def set_scene_order(
        self,
        prep_id: str,
        slide_number: int,
        scene: int,
        place: int,
        *,
        rescan: int | None = None,
        default: Sequence[int] = (),
    ) -> None:
        """place : of a scene among all scenes of its slide, from 1; its number stays. default : numbers of the scenes
        in the order that they have where nobody gave them another; by number where it is empty."""
        slides.set_scene_order(self._writing(), prep_id, slide_number, scene, place, rescan=rescan, default=default)

    def set_order_of_scenes(
        self, prep_id: str, slide_number: int, order: Sequence[int] | None, *, rescan: int | None = None
    ) -> None:
        """order : numbers of a slide's scenes as they follow each other; None where the settings shall say."""
        slides.set_order_of_scenes(self._writing(), prep_id, slide_number, order, rescan=rescan)

    def add_alignment_edit(self, prep_id: str, edit: AlignmentEdit) -> None:
        """What a person says of a section ("place", "anchor", "follow"), instead of what was said of it before; that a
        pair is left out; or how one section lies on another ("pair"). One that does not say when is of now. Raises
        BrainstackError for a number that is not finite, or another kind."""
        alignment.add_edit(self._writing(), prep_id, edit)

    def release_alignment_edit(
        self, prep_id: str, section: str, other: str = "", *, person: str = "", kind: str = "leave_out"
    ) -> int:
        """Take back what was said of a section or, with `other`, of their pair: that it is left out or, for the kind
        "pair", how they lie. Returns how many edits that were. person : who takes it back."""
        return alignment.release_edit(self._writing(), prep_id, section, other, person, kind)

    def alignment_edits(self, prep_id: str) -> list[AlignmentEdit]:
        """What people said of sections, and which pairs they left out, as far as it is in force, in the order in which
        they said it."""
        return alignment.alignment_edits(self._session, prep_id)

    def pairs_by_hand(self, prep_id: str) -> list[AlignmentEdit]:
        """The transforms that people gave pairs, as far as they are in force, in the order in which they said them."""
        return alignment.pairs_by_hand(self._session, prep_id)

    def set_orientation(self, prep_id: str, rotation: int, flip: str) -> None:
        """rotation : quarter turns clockwise, 0 to 3. flip : "none", "flip" or "flop"."""
        animals.set_orientation(self._writing(), prep_id, rotation, flip)

    def set_side_sectioned_first(self, prep_id: str, side: str) -> None:
        """side : "ASC" when slide 1 holds the first section of the stack, "DESC" when the last."""
        animals.set_side_sectioned_first(self._writing(), prep_id, side)

    def set_section_thickness(self, prep_id: str, thickness_um: float) -> None:
        """thickness_um : from one section to the next."""
        animals.set_section_thickness(self._writing(), prep_id, thickness_um)

    def set_section_plane(self, prep_id: str, plane: str) -> None:
        """plane : how the brain was cut, such as "sagittal"."""
        animals.set_section_plane(self._writing(), prep_id, plane)

    def set_resolution(self, prep_id: str, pixel_size_um: float) -> None:
        """pixel_size_um : side of a pixel of the scan."""
        animals.set_resolution(self._writing(), prep_id, pixel_size_um)
