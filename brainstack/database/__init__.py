"""The database: what is known of the animals, what people decided, what was run.

    create_or_upgrade(url)                      # once, before the first use
    with open_database(url) as database:        # one transaction
        records = database.animal_records("DK39")

Only the process that drives a run writes; all others read its plan, or leave record files that it takes in.
"""

from brainstack.database.schema import create_or_upgrade, refuse_gone, refuse_missing
from brainstack.database.session import Database, open_database, run_in_transaction
from brainstack.database.trouble import DatabaseFull, DatabaseUnavailable
from brainstack.database.waiting import DatabaseBusy

__all__ = [
    "Database",
    "DatabaseBusy",
    "DatabaseFull",
    "DatabaseUnavailable",
    "create_or_upgrade",
    "open_database",
    "refuse_gone",
    "refuse_missing",
    "run_in_transaction",
]
