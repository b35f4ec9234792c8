"""A database that knows an animal, for tests of what is said of it."""

from __future__ import annotations

from brainstack.database import create_or_upgrade, open_database
from brainstack.records import Animal, Histology, ScanRun


def database_with_dk39(url: str) -> str:
    """Make a database that knows DK39, and nothing of it. Returns its address."""
    create_or_upgrade(url)
    with open_database(url) as database:
        database.add_animal(Animal("DK39"), Histology("DK39"), ScanRun("DK39", "czi"))
    return url
