"""Taking over the lab's own database, an animal at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

from brainstack.database import Database, create_or_upgrade, run_in_transaction
from brainstack.database.lab import Lab, Report, has_password, read_lab
from brainstack.environment import database_url
from brainstack.errors import BrainstackError


def _take_in(database: Database, *, lab: Lab, prep_id: str) -> Report:
    return database.take_in_lab_animal(lab, prep_id)


def import_lab(url: str, *, from_words: bool = False, only: Collection[str] = ()) -> Iterator[str]:
    """Take over the animals of the lab's database that are not here yet. Yields what to tell the person.

    from_words : whether the URL was typed, where everybody on the computer can read a password. only : these animals.
    Each animal is taken over whole or not at all. Raises BrainstackError where the lab's database cannot be read.
    """
    if not url:
        raise BrainstackError("It was not said where the lab's database is; give its URL with --from.")
    if from_words and has_password(url):
        raise BrainstackError(
            "A password was given in --from, where others can read it; leave it out and put it into your ~/.my.cnf, or "
            "give the URL in the variable BRAINSTACK_LAB_DATABASE_URL."
        )
    create_or_upgrade(database_url())
    lab = read_lab(url)
    names = [str(row["prep_id"]) for row in lab.of("animal")]
    unknown = [name for name in only if name not in names]
    if unknown:
        raise BrainstackError(f"The lab's database has no animal {unknown[0]!r}; it has {', '.join(names) or 'none'}.")
    total = Report()
    for name in names:
        if not only or name in only:
            report = run_in_transaction(database_url(), partial(_take_in, lab=lab, prep_id=name))
            total.add(report)
            yield f"{name}: {sum(report.placed.values())} rows"
    for name, count in lab.others.items():
        total.leave(f"the table {name} ({count} rows) has no place here")
    states = sum(len(lab.of(table)) for table in ("neuroglancer_urls", "neuroglancer_state"))
    states -= total.placed["neuroglancer_urls"] + total.placed["neuroglancer_state"]
    total.leave("a state of Neuroglancer names no animal, or several, or one that was not taken over", states)
    yield from total.lines()
