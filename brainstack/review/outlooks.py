"""What the next run makes of an animal: found out once for all who ask, as it takes some seconds of a large one."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from brainstack.errors import BrainstackError
from brainstack.planning import failed_still, progress_of
from brainstack.review.animals import ReviewedAnimal
from brainstack.status import Trouble, failures
from brainstack.why import Group, NextRun

log = logging.getLogger(__name__)

GOOD_FOR_S = 30.0
"""It is found out anew after so long, where somebody asks: not all that a run looks at shows in `ReviewedAnimal.seen`,
such as a file that was deleted."""

QUIET_S, LONGEST_WAIT_S = 1.0, 5.0
"""It is begun when nobody changed anything for so long, or when it was waited for as long as that: pages and pictures
come first, and who decides one thing a second does not make the computer find it out a hundred times."""


@dataclass(frozen=True)
class Outlook:
    """groups : what is made, and why. unread_slides : that are read first, so that more follows. failures : of the last
    run, with the commands that mend them. error : why nothing can be said; "" where it can. began : when it was begun
    to be found out, in seconds of time.monotonic."""

    began: float
    groups: tuple[Group, ...] = ()
    unread_slides: int = 0
    failures: tuple[Trouble, ...] = ()
    error: str = ""

    @property
    def sure(self) -> int:
        """Steps that are made in any case."""
        return sum(one.count for one in self.groups if one.sure)

    @property
    def perhaps(self) -> int:
        return sum(one.count for one in self.groups if not one.sure)

    @property
    def is_nothing(self) -> bool:
        return not (self.groups or self.unread_slides or self.failures or self.error)


class Outlooks:
    """Of one animal. Nobody waits: who asks while it is found out is told so, and asks again."""

    def __init__(self, animal: ReviewedAnimal) -> None:
        self._animal = animal
        self._lock = threading.Lock()
        self._found: Outlook | None = None
        self._seen: object = None
        self._is_looking = False

    def now(self, asked_at: float) -> Outlook | None:
        """As things stand, or None while that is found out. asked_at : since when whoever asks has been waiting: what
        was begun after that is new enough, also where the animal goes on changing."""
        seen = self._animals_state()
        with self._lock:
            if self._found is not None:
                is_fresh = seen == self._seen and time.monotonic() < self._found.began + GOOD_FOR_S
                if is_fresh or self._found.began >= asked_at:
                    return self._found
            if not self._is_looking:
                self._is_looking = True
                threading.Thread(target=self._look, name="what will run", daemon=True).start()
            return None

    def _look(self) -> None:
        seen, began = None, time.monotonic()
        try:
            seen = self._quiet()
            began = time.monotonic()
            found = _outlook(self._animal, began)
        except BrainstackError as error:
            found = Outlook(began, error=str(error))
        except Exception:
            log.exception("review: %s: what will run", self._animal.prep_id)
            said = "That is a fault of brainstack itself; the terminal of the server says more."
            found = Outlook(began, error=said)
        with self._lock:
            self._found, self._seen, self._is_looking = found, seen, False

    def _quiet(self) -> object:
        """The animal's state once it stays as it is for a moment."""
        end, before = time.monotonic() + LONGEST_WAIT_S, self._animals_state()
        while True:
            time.sleep(QUIET_S)
            now = self._animals_state()
            if now == before or time.monotonic() > end:
                return now
            before = now

    def _animals_state(self) -> object:
        return self._animal.seen(), self._animal.changes


def _outlook(animal: ReviewedAnimal, began: float) -> Outlook:
    plan = animal.plan()
    progress = progress_of(plan)
    next_run = NextRun(progress)
    failed = failures(plan, failed_still(progress))
    return Outlook(began, tuple(next_run.groups()), next_run.unread_slides, failed)
