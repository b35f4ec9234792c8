"""What the next run makes, starting it, and how far it is."""

from __future__ import annotations

import shlex
import threading
import time
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from starlette.responses import HTMLResponse, Response

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.last_run import LastRun, local_time, outcome_of, read_last_run
from brainstack.locking import being_run, holder_of
from brainstack.review.access import Role
from brainstack.review.animals import ReviewedAnimal
from brainstack.review.asking import Asked, ConflictError, Page
from brainstack.review.outlooks import Outlooks
from brainstack.run_progress import RunLog, RunProgress
from brainstack.running import (
    BACKENDS,
    RESOLUTIONS,
    TARGETS,
    Started,
    Wish,
    luigi_command,
    luigid_answers,
    newest_output,
    start_run,
    stop_run,
)

MOST_OUTPUT = 20_000
"""Letters of what the terminal would show: the end of it."""
LINES = 12


@dataclass
class _Runs:
    """What the server remembers of an animal's runs."""

    outlooks: Outlooks
    started: Started | None = None
    log: RunLog | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


_OF: WeakKeyDictionary[ReviewedAnimal, _Runs] = WeakKeyDictionary()
_LOCK = threading.Lock()


@dataclass(frozen=True)
class Seen:
    """How a run is. state : "" where there was none yet, "starting", "running", "ended", or "refused" where it did not
    begin. output : what the terminal shows at its end, where the page started it."""

    state: str
    run: LastRun | None = None
    outcome: str = ""
    holder: str = ""
    progress: RunProgress | None = None
    output: str = ""

    @property
    def goes_on(self) -> bool:
        return self.state in ("starting", "running")

    @property
    def is_reporting(self) -> bool:
        """It has made what it makes, and still makes the animal's report."""
        return self.state == "ended" and self.run is not None and self.holder == self.run.process


def next_run(asked: Asked) -> Response:
    """The foot of each page."""
    seen = seen_of(asked.animal)
    outlook = None if seen.goes_on else _runs(asked.animal).outlooks.now(_asked_at(asked))
    return _part(asked, "next_run.html", seen=seen, outlook=outlook, asked_at=_asked_at(asked))


def run(asked: Asked) -> Response:
    """The page of it all."""
    wish = _wish(asked)
    return asked.page(
        "run.html", title=f"Run {asked.animal.prep_id}", targets=TARGETS, resolutions=RESOLUTIONS,
        backends=BACKENDS, wish=wish, command=_command(asked, wish), seen=seen_of(asked.animal), lines=LINES,
    )  # fmt: skip


def outlook(asked: Asked) -> Response:
    """What is stale, and why; what failed, and what mends it."""
    goes_on = seen_of(asked.animal).goes_on  # it would only take the run's time, and be another a moment later
    found = None if goes_on else _runs(asked.animal).outlooks.now(_asked_at(asked))
    return _part(asked, "run_outlook.html", outlook=found, asked_at=_asked_at(asked), goes_on=goes_on)


def command(asked: Asked) -> Response:
    """What would be typed."""
    return HTMLResponse(escape(_command(asked, _wish(asked))))


def progress(asked: Asked) -> Response:
    """How far the run is; asks again by itself while it goes on."""
    return _progress(asked, was_running=bool(asked.query("was")))


def start(asked: Asked) -> Response:
    """Start a run."""
    wish = Wish(*(asked.form.get(name, default) for name, default in _DEFAULTS.items()))
    runs = _runs(asked.animal)
    with runs.lock:  # of two who press the button at once, the second is told
        if holder := holder_of(asked.animal.folder):
            if seen_of(asked.animal).is_reporting:
                raise ConflictError(
                    f"The last run of {asked.animal.prep_id} still makes the animal's report; start this one again in "
                    "some seconds."
                )
            raise ConflictError(being_run(asked.animal.prep_id, holder))
        if runs.started is not None and runs.started.returned() is None:
            raise ConflictError(f"A run of {asked.animal.prep_id} was started a moment ago; see how it gets on.")
        runs.started, runs.log = start_run(asked.animal.folder, wish), None
    return _progress(asked)


def stop(asked: Asked) -> Response:
    """Stop it, as Ctrl-C would."""
    stop_run(asked.animal.folder)
    return _progress(asked)


def seen_of(animal: ReviewedAnimal) -> Seen:
    """How the last run of an animal is, or was."""
    runs, folder = _runs(animal), animal.folder
    holder, last = holder_of(folder), read_last_run(folder)
    begun = runs.started is None or (last is not None and last.started_at >= runs.started.at)
    if runs.started is not None and not begun:
        if runs.started.returned() is None:
            return Seen("starting", output=_end_of(runs.started.output))
        if not holder:
            return Seen("refused", output=_end_of(runs.started.output))
    if last is None:
        return Seen("")
    if runs.log is None or runs.log.path != Path(last.log):
        runs.log = RunLog(Path(last.log))
    outcome = outcome_of(last, holder)
    goes_on = bool(holder) and not last.outcome
    output = "" if goes_on else _end_of(_output_of(folder, last))
    return Seen("running" if goes_on else "ended", last, outcome, holder, runs.log.progress(), output)


def _progress(asked: Asked, *, was_running: bool = False) -> Response:
    seen = seen_of(asked.animal)
    response = _part(asked, "run_progress.html", seen=seen, lines=LINES, when=_when(seen.run))
    if was_running and not seen.goes_on:
        asked.animal.changed()
        response.headers["HX-Trigger"] = "stale"
    return response


def _output_of(folder: AnimalFolder, last: LastRun) -> Path | None:
    """The output of the last run, where the review page started it: no other run began between the two."""
    output = newest_output(folder)
    if output is None:
        return None
    later = [path.name for path in folder.log("x").parent.glob("*.log") if path.name >= output.name[:15]]
    return output if min(later, default="") == Path(last.log).name else None


def _end_of(output: Path | None) -> str:
    if output is None or not output.is_file():
        return ""
    return output.read_text(encoding="utf-8", errors="replace")[-MOST_OUTPUT:].strip()


def _when(last: LastRun | None) -> str:
    if last is None:
        return ""
    ended = f" to {local_time(last.ended_at)[-5:]}" if last.ended_at else ""
    return f"{local_time(last.started_at)}{ended}"


_DEFAULTS = {"target": "Animal", "resolution": "thumbnail", "backend": ""}


def _wish(asked: Asked) -> Wish:
    return Wish(*(asked.query(name, default) for name, default in _DEFAULTS.items()))


def _command(asked: Asked, wish: Wish) -> str:
    return shlex.join(luigi_command(asked.animal.prep_id, wish, is_scheduler_there=luigid_answers()))


def _runs(animal: ReviewedAnimal) -> _Runs:
    with _LOCK:
        return _OF.setdefault(animal, _Runs(Outlooks(animal)))


def _asked_at(asked: Asked) -> float:
    """Since when the browser has been waiting, in seconds of this server's clock."""
    given = asked.query("since")
    try:
        return float(given) if given else time.monotonic()
    except ValueError as error:
        raise BrainstackError(f"since was given as {given!r}; load the page again.") from error


def _part(asked: Asked, template: str, **values: Any) -> Response:
    """A part of a page, which htmx puts into it."""
    return asked.page(template, prep=asked.animal.prep_id, **values)


PAGES: tuple[Page, ...] = (
    Page("/{animal}/next-run", next_run),
    Page("/{animal}/run", run),
    Page("/{animal}/run/outlook", outlook),
    Page("/{animal}/run/command", command),
    Page("/{animal}/run/progress", progress),
    Page("/{animal}/run/start", start, Role.RUN, ("POST",)),
    Page("/{animal}/run/stop", stop, Role.RUN, ("POST",)),
)
