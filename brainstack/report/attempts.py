"""What cannot be made of a page is a sentence in its place, and no reason to do without the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from brainstack.errors import BrainstackError

log = logging.getLogger(__name__)

Made = TypeVar("Made")


def attempted(make: Callable[[], Made], what: str, prep_id: str) -> tuple[Made | None, str]:
    """What `make` returns, and ""; or None, and the sentence that says why there is none. what : such as "This
    chapter". The traceback of what is no person's fault goes to the log, and where there is none to the terminal."""
    try:
        return make(), ""
    except BrainstackError as error:
        log.warning("%s | report: %s could not be made: %s", prep_id, what, error)
        return None, f"{what} could not be made: {error}"
    except OSError as error:
        log.exception("%s | report: %s could not be made", prep_id, what)
        return None, f"{what} could not be made: {error}"
    except Exception as error:
        log.exception("%s | report: %s could not be made", prep_id, what)
        return None, (
            f"{what} could not be made ({type(error).__name__}: {error}). A file or an entry of the database is other "
            "than brainstack writes it; which one stands in the traceback, in the last run's log or in the terminal."
        )
