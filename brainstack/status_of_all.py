"""The status of all animals of the database on one screen: a row each, what failed and is stale first."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context

from rich.console import Console
from rich.table import Table
from rich.text import Text

from brainstack.errors import BrainstackError
from brainstack.last_run import FAILED as SOME_FAILED
from brainstack.last_run import local_time
from brainstack.planning import look, read_failed
from brainstack.slide_names import legible
from brainstack.status import BLOCKED, DONE, FAILED, STALE, TO_DO, UNKNOWN, Overview, overview_of
from brainstack.status_screen import COLOURS

MOST_ANIMALS = 30
"""Rows: with the sentences below them they fill a screen."""
MOST_SENTENCES = 5
WIDE = 128
"""Columns of a terminal that hold all of the table; in a narrower one, what to type next stands below it."""
TITLES = ("animal", "sections", "done", "failed", "stale", "doubtful", "last run", "next")
NUMBERS = TITLES[1:6]
MANY_ANIMALS = 8
"""From so many on, a process that has to start first is worth its while."""
ORDER = (UNKNOWN, FAILED, STALE, BLOCKED, TO_DO, DONE)
"""Of the rows: what needs a person comes first."""


@dataclass(frozen=True)
class Row:
    """An animal, or the sentence that says why nothing can be said of it."""

    prep_id: str
    overview: Overview | None
    error: str = ""

    @property
    def state(self) -> str:
        return UNKNOWN if self.overview is None else self.overview.state

    @property
    def next_command(self) -> str:
        return f"brainstack status {self.prep_id}" if self.overview is None else self.overview.next_command


def rows_of(prep_ids: Sequence[str], progress: Callable[[int, int], None] | None = None) -> list[Row]:
    """A row for each animal, those that need a person first. progress : called with how many are done, of how many.

    An animal of 440 sections takes a core one to two seconds: where there are many, several processes look.
    """
    rows = []
    with _mapped(prep_ids) as found:
        for row in found:
            rows.append(row)
            if progress is not None:
                progress(len(rows), len(prep_ids))
    return sorted(rows, key=lambda row: (ORDER.index(row.state), row.prep_id))


@contextmanager
def _mapped(prep_ids: Sequence[str]) -> Iterator[Iterable[Row]]:
    cores = len(os.sched_getaffinity(0))
    if len(prep_ids) < MANY_ANIMALS or cores == 1:
        yield map(row_of, prep_ids)
        return
    workers = min(cores, len(prep_ids) // (MANY_ANIMALS // 2))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool.map(row_of, prep_ids)


def row_of(prep_id: str) -> Row:
    """One animal that is broken hides no other: its row has a sentence."""
    try:
        plan = look(prep_id)
        return Row(prep_id, overview_of(plan, read_failed(plan.folder)))
    except BrainstackError as error:
        return Row(prep_id, None, str(error))
    except OSError as error:
        return Row(prep_id, None, f"{error.filename or 'a file'}: {error.strerror}; mend that.")
    except Exception as error:
        return Row(prep_id, None, f"its folder holds something that brainstack cannot read ({error!r}).")


def show_all(rows: Sequence[Row], console: Console, *, everything: bool = False) -> None:
    """Print a table of all animals. everything : also where they are more than a screen holds."""
    if not rows:
        console.print(
            "There are no animals yet. Add one: brainstack animal add DK39 --czi /path/to/czi", soft_wrap=True
        )
        return
    shown = rows if everything else rows[:MOST_ANIMALS]
    is_wide = console.width >= WIDE
    console.print(table_of(shown, with_next=is_wide))
    if len(shown) < len(rows):
        console.print(f"and {len(rows) - len(shown)} more: brainstack status --all", highlight=False)
    for row in shown if not is_wide else ():
        if row.overview is not None and row.state != DONE and not row.overview.holder:
            console.print(f"next: {row.next_command}", soft_wrap=True, highlight=False)
    broken = [row for row in rows if row.overview is None]
    for row in broken if everything else broken[:MOST_SENTENCES]:
        console.print(Text(legible(f"{row.prep_id}: {row.error}"), COLOURS[FAILED]), soft_wrap=True)
    if len(broken) > MOST_SENTENCES and not everything:
        console.print(f"and {len(broken) - MOST_SENTENCES} more: brainstack status --all", highlight=False)


def table_of(rows: Sequence[Row], *, with_next: bool) -> Table:
    """One row an animal. Numbers are of steps, but for sections and the doubtful, which are sections.

    with_next : with a column for what to type next, which is not to be broken."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in TITLES if with_next else TITLES[:-1]:
        table.add_column(title, justify="right" if title in NUMBERS else "left", no_wrap=title != "last run")
    for row in rows:
        table.add_row(*_cells(row)[: len(table.columns)])
    return table


def _cells(row: Row) -> list[str | Text]:
    one = row.overview
    if one is None:
        return [Text(row.prep_id, COLOURS[FAILED]), "?", "?", "?", "?", "?", "?", "see below"]
    return [
        Text(row.prep_id, COLOURS[row.state]),
        str(one.sections),
        share_done(one),
        _count(len(one.failed), FAILED),
        _count(one.count(STALE) + sum(one.stale_asked.values()), STALE),
        _count(len({doubt.key for doubt in one.doubtful}), STALE),
        when(one),
        "" if one.holder else one.next_command,
    ]


def share_done(one: Overview) -> str:
    """In per cent, rounded down: 100% means all."""
    return f"{100 * one.count(DONE) // one.steps}%" if one.steps else "-"


def when(one: Overview) -> str:
    """When the last run was and how it ended, in a few words."""
    if one.holder:
        return f"now, by {one.holder}"
    if one.last_run is None:
        return "-"
    words = f"{one.last_run.failed} failed" if one.outcome == SOME_FAILED and one.last_run.failed else one.outcome
    return f"{local_time(one.last_run.started_at)}, {words}"


def _count(number: int, state: str) -> Text:
    return Text(str(number), COLOURS[state]) if number else Text("")
