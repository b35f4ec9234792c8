"""An animal's slides as they were looked at last, and their pictures: shared by all who look at them."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.review.single_flight import SingleFlight
from brainstack.review.slide_pictures import SIDES_PX, Pictures, SmallPictures
from brainstack.review.slides_view import Seen, pictures_of, see, shown

SLIDES_IN_SIGHT = 16
"""Of which pictures are made before somebody opens the page: some more than a large screen shows at once."""

small_pictures = SmallPictures()


@dataclass(frozen=True)
class Look:
    """An animal's slides at one time, and what the page draws of them for everybody."""

    seen: Seen
    state: dict[str, Any]


class AnimalSlides:
    """The slides of one animal."""

    def __init__(self, folder: AnimalFolder) -> None:
        self._folder = folder
        self._looks = SingleFlight(self._look)
        self._pictures: Pictures | None = None
        self._once = threading.Lock()

    def now(self) -> Look:
        """As things stand: of a large animal that takes a tenth of a second, so that all who ask at once share a look.
        Raises BrainstackError as `see` does."""
        return self._looks.now()

    def path(self, name: str) -> Path | None:
        """The file of a picture; None where there is none of this name. The folders are listed anew for a name that
        was not there."""
        path = self._pictures.path(name) if self._pictures else None
        if path is None:
            self._pictures = Pictures(self._folder)
            path = self._pictures.path(name)
        return path

    def make_ready(self, seen: Seen) -> None:
        """Have the pictures of the first slides made small, in the background and once: they are there when somebody
        opens the page of slides."""
        if self._once.acquire(blocking=False):
            threading.Thread(target=self._make_small, args=(seen,), name="small pictures", daemon=True).start()

    def _make_small(self, seen: Seen) -> None:
        for name in pictures_of(seen, SLIDES_IN_SIGHT):
            with suppress(BrainstackError, OSError):  # a damaged one is told of to whoever looks at it
                if path := self.path(name):
                    small_pictures.of(path, SIDES_PX["small"])

    def _look(self) -> Look:
        seen = see(self._folder.prep_id)
        self._pictures = Pictures(self._folder)
        return Look(seen, shown(seen, self._pictures))


def slides_of(folder: AnimalFolder) -> AnimalSlides:
    """Those of an animal, the same for all who ask."""
    with _lock:
        return _animals.setdefault(str(folder.root), AnimalSlides(folder))


_animals: dict[str, AnimalSlides] = {}
_lock = threading.Lock()
