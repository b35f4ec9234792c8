"""The animals that are served, each with its plan as things stand: made once, and again when something changed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence

from brainstack.animal_folder import AnimalFolder
from brainstack.database import open_database, refuse_gone
from brainstack.environment import animal_folder, database_url
from brainstack.plan import Plan
from brainstack.planning import look

SERVER_S = 2.0
"""A database on a server does not show that it changed: what was read of it is used for so long."""


class ReviewedAnimal:
    """One animal. Several people may ask at once; its plan is made by the first of them."""

    def __init__(self, prep_id: str) -> None:
        self.prep_id = prep_id
        self._lock = threading.Lock()
        self._plan: Plan | None = None
        self._last: Plan | None = None
        self._seen: object = None
        self.changes = 0

    @property
    def folder(self) -> AnimalFolder:
        return animal_folder(self.prep_id)

    def plan(self) -> Plan:
        """The plan with all that was said and edited so far. Raises BrainstackError where none can be made."""
        with self._lock:
            seen = self.seen()
            if self._plan is None or seen != self._seen:
                self._plan, self._seen = look(self.prep_id), seen
                self._last = self._plan
            return self._plan

    def last_plan(self) -> Plan:
        """The plan as it was made last, whatever changed since: at once, for pictures."""
        return self._last or self.plan()

    def changed(self) -> None:
        """Something was said or edited: the plan is made again when it is asked for next."""
        with self._lock:
            self._plan = None
            self.changes += 1

    def seen(self) -> object:
        """What is other whenever the plan may be other: times of the files and folders that it is read from.

        Masks are looked at one by one: a program that paints over one, through its link, leaves its folder as it was.
        """
        folder, url = self.folder, database_url()
        file = url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else ""
        paths = [
            *((file, f"{file}-journal") if file else ()),
            *(folder.settings, folder.czi, folder.failed, folder.order, folder.edit("x").parent),
            *(folder.numbered(kind, 0).parent for kind in ("thumbnail_colored", "thumbnail_masked")),
            *(folder.approved("x").parent, folder.stamps, folder.labels("x").parent, folder.points("x").parent),
        ]
        masks = tuple(
            _files_at(str(folder.keyed(kind, "x").parent)) for kind in ("thumbnail_colored", "thumbnail_masked")
        )
        asked = "" if file else time.monotonic() // SERVER_S
        return url, asked, tuple(_changed_at(str(path)) for path in paths), masks


def _changed_at(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - a fifth of the time of Path's, and asked for with every page
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _files_at(folder: str) -> int:
    """Another number whenever a file of a folder is another one. Some microseconds a file."""
    try:
        with os.scandir(folder) as files:
            found = [(one.name, one.stat()) for one in files]
    except OSError:  # no folder; or a file that a run puts in place just now, which will be seen next time
        return 0
    return hash(frozenset((name, state.st_mtime_ns, state.st_size) for name, state in found))


class Animals(Mapping[str, ReviewedAnimal]):
    """Those that were named, or all of the database."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self._names = tuple(names)
        self._known: dict[str, ReviewedAnimal] = {}
        self._all: tuple[float, list[str]] = (0.0, [])
        self._lock = threading.Lock()

    def check_database(self) -> None:
        """Raises DatabaseUnavailable where the file of the database is gone: commands would make a new one, and people
        would go on in it."""
        refuse_gone(database_url())

    def __getitem__(self, name: str) -> ReviewedAnimal:
        with self._lock:
            if name not in self._known:
                if name not in list(self):
                    raise KeyError(name)
                self._known[name] = ReviewedAnimal(name)
            return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names or self._all_animals())

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _all_animals(self) -> list[str]:
        """As they were at most SERVER_S ago, as each page lists them."""
        at, names = self._all
        if time.monotonic() > at + SERVER_S or not names:
            with open_database(database_url()) as database:
                names = database.animals()
            self._all = time.monotonic(), names
        return names
