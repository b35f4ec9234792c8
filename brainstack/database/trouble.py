"""What is said when a database cannot be reached or used: a sentence for each thing that a person can mend."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError

from brainstack.database.waiting import DatabaseBusy
from brainstack.errors import BrainstackError

HELD = "is held by another process. Wait until it has ended, then run the same command again"
NO_ROOM = "has no room: the disk is full. Free some space, then try again"
NO_TABLE = "lacks a table; it is not brainstack's or was cut short. Choose another one or restore a copy"
NO_COLUMN = "lacks a column; it is not brainstack's or was changed by hand. Restore a copy"
LOST = "broke off the connection; what was not finished is not kept. See whether its server runs, then run the same " \
    "command again"  # fmt: skip
NO_RIGHT = "may not be used in this way by this user. Ask its administrator for the right"
BUSY = {"locked", 1205, 1213}
OVERFULL = 1040, 1203, 1226
UNREACHED = 2002, 2003, 2005
BROKEN_OFF = (-1, 1053, 1077, 1158, 1159, 1160, 1161, 1317, 1927, 2006, 2013, 2014, 2027, 2045, 2048, 2055, 3024, 4031)
AWAY = {"unable to open", "disk i/o error", *OVERFULL, *UNREACHED, *BROKEN_OFF}
"""Signs of a database that is not there for now."""


class DatabaseUnavailable(BrainstackError):  # noqa: N818  # a state, which passes
    """The database cannot be reached for now; it may be tried again later."""


class DatabaseFull(BrainstackError):  # noqa: N818
    """The database has no room for what is new; what is in it can be read."""


TOLD = {
    "no such table": NO_TABLE,
    "no such column": NO_COLUMN,
    "locked": HELD,
    "unable to open": "cannot be opened. Check that its folder is there and that you may write in it",
    "readonly": "may only be read. Give yourself the right to write the file and its folder",
    "disk is full": NO_ROOM,
    "disk i/o error": "cannot be read or written: the disk says so. Check the disk, its quota and its mount",
    "not a database": "is not an SQLite database. Choose another file",
    "malformed": "is damaged. Restore a copy",
}
"""What SQLite says -> what a person reads."""

NUMBERED = {
    **dict.fromkeys(UNREACHED, "cannot be reached. See whether the server runs, and whether its name and port "
                                        "in the URL are right"),
    **dict.fromkeys((1045, 1698, 1524, 2059, 2061), "refuses the user or the password. Correct the one in "
                                                    "BRAINSTACK_DATABASE_URL or in your my.cnf"),
    **dict.fromkeys((1044, 1142, 1143, 1227, 1370, 1130, 1356, 1410), NO_RIGHT),
    1049: "is not there on its server. Make it with 'brainstack database create', or correct its name in the URL",
    1146: NO_TABLE,
    1054: NO_COLUMN,
    **dict.fromkeys((1205, 1213), HELD),
    **dict.fromkeys(BROKEN_OFF, LOST),
    **dict.fromkeys(OVERFULL, "has as many users as it may have. Try again later, or have its limit raised"),
    **dict.fromkeys((1036, 1223, 1290, 1792, 1836), "may only be read now. Ask its administrator why"),
    **dict.fromkeys((1021, 1041, 1114), NO_ROOM),
    1406: "cannot keep a text that is so long. Shorten it",
    1153: "takes in no more at once than its max_allowed_packet says. Have it raised to 16 MB or more",
}  # fmt: skip
"""Numbers of MySQL's and MariaDB's errors -> what a person reads."""


@contextmanager
def readable_errors(name: str) -> Iterator[None]:
    """Turn what a person can mend into a sentence; all other errors are faults of brainstack and pass.

    name : of the database, as the sentence shall have it. Raises DatabaseBusy where trying again at once may help,
    DatabaseUnavailable where it may later, and DatabaseFull where its disk is full.
    """
    try:
        yield
    except DBAPIError as error:
        sign = _sign(error.orig)
        sentence = TOLD.get(str(sign)) or (NUMBERED.get(sign) if isinstance(sign, int) else None)
        if sentence is None:
            raise
        raise _kind(sign, sentence)(f"The database {name} {sentence} ({_said(error.orig)}).") from error


def _kind(sign: str | int, sentence: str) -> type[BrainstackError]:
    if sign in BUSY:
        return DatabaseBusy
    if sign in AWAY:
        return DatabaseUnavailable
    return DatabaseFull if sentence == NO_ROOM else BrainstackError


def _sign(error: BaseException | None) -> str | int:
    """The number of a server's error, or of what SQLite says the words by which it is known; "" for neither."""
    number = number_of(error)
    said = str(error).lower()
    return number if number is not None else next((sign for sign in TOLD if sign in said), "")


def number_of(error: BaseException | None) -> int | None:
    """The number of a server's error, or None; an attribute with mysql-connector, an argument with PyMySQL."""
    number = getattr(error, "errno", None)
    if number is None and error is not None and error.args:
        number = error.args[0]
    return number if isinstance(number, int) else None


def _said(error: BaseException | None) -> str:
    """What the driver says, in one line."""
    words = error.args[1:2] if error is not None and error.args and isinstance(error.args[0], int) else ()
    return " ".join(str(words[0] if words else error).split())
