"""A file of SQLite on a disk in a network: noticed, warned of once, and written by one process at a time.

Such disks may grant SQLite's own locks to two computers at once. A file that is made only where there is none is what
all of them agree on.
"""

from __future__ import annotations

import logging
import os
import re
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from brainstack.database import waiting

log = logging.getLogger(__name__)

MOUNTS = Path("/proc/self/mountinfo")
NETWORKED = {
    "9p", "afs", "beegfs", "ceph", "cifs", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "orangefs", "panfs",
    "smb3", "smbfs",
}  # fmt: skip
LOCAL_FUSE = {"fuse.fuse-overlayfs", "fuse.snapfuse", "fuse.squashfuse"}
PAUSE_S = 0.02


def is_on_network(file: Path) -> bool:
    """Whether the folder of a file is on a disk in a network, or one that may be (FUSE)."""
    kind = filesystem_of(file)
    return kind in NETWORKED or (kind.startswith("fuse.") and kind not in LOCAL_FUSE)


def filesystem_of(file: Path) -> str:
    """What Linux calls the file system that holds a file, such as "ext4"; "" where it does not say."""
    try:
        mounts = [line.split(" ") for line in MOUNTS.read_text().splitlines()]
    except OSError:
        return ""
    folder = file.absolute().parent.resolve()
    kind, longest = "", -1
    for words in mounts:
        mounted = re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), words[4])  # a blank is written \040
        if folder.is_relative_to(mounted) and len(mounted) >= longest:
            kind, longest = words[words.index("-") + 1], len(mounted)
    return kind


def listen(engine: Engine, file: Path) -> None:
    """From here on, those who write with this engine hold the lock."""
    _warn(file, filesystem_of(file))

    def connected(connection: Any, record: Any) -> None:
        record.info["brainstack_lock_file"] = file.with_name(f"{file.name}.lock")
        if connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
            connection.execute("PRAGMA journal_mode = DELETE")

    def closed(_connection: object, record: Any) -> None:
        if record.info.pop("brainstack_lock", False):
            record.info["brainstack_lock_file"].unlink(missing_ok=True)

    event.listen(engine, "connect", connected)
    event.listen(engine, "close", closed)


@cache
def _warn(file: Path, kind: str) -> None:
    log.warning(
        "The database %s is on a disk in a network (%s): only one process writes to it at a time. "
        "Where several computers write, a MySQL or MariaDB server is safer and quicker.", file, kind,
    )  # fmt: skip


def lock(connection: Connection) -> None:
    """Take the lock, if the database is such a file and this connection does not have it yet."""
    path = connection.info.get("brainstack_lock_file")
    if path is None or connection.info.get("brainstack_lock"):
        return
    until = time.monotonic() + waiting.BUSY_TIMEOUT_S
    while not _take(path):
        if time.monotonic() > until:
            raise waiting.DatabaseBusy(
                f"The database is held by another process ({_holder(path)}). Wait until it has ended, then run the "
                f"same command again. If it was killed or its computer stopped, remove {path}."
            )
        time.sleep(PAUSE_S)
    connection.info["brainstack_lock"] = True


def _take(path: Path) -> bool:
    """Whether the lock is ours now. One whose process on this computer has ended is taken away from it."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
    except FileExistsError:
        if _is_left_behind(_holder(path)):
            path.unlink(missing_ok=True)
        return False
    with os.fdopen(handle, "w") as file:
        file.write(f"process {os.getpid()} on {os.uname().nodename}")
    return True


def _holder(path: Path) -> str:
    with suppress(OSError):
        return path.read_text()
    return ""


def _is_left_behind(holder: str) -> bool:
    said = re.fullmatch(r"process (\d+) on (.*)", holder)
    if said is None or said[2] != os.uname().nodename:
        return False
    try:
        os.kill(int(said[1]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
