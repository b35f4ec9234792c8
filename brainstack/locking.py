"""One process an animal: who writes to its folder holds its lock."""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.files.whole import PART

ASKING_S = 0.05
"""How long to wait before asking for a lock again."""
EDITING_S = 60.0
"""How long to wait for others who keep masks: taking in hundreds that were painted as files takes some seconds."""


def take_lock(folder: AnimalFolder) -> IO[str]:
    """The animal's lock, held until it is closed: it is the system's, and gone when all processes that have it are.

    Raises BrainstackError, which says who holds it, where somebody else does.
    """
    try:
        folder.lock.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.lock.open("a+")
    except OSError as error:
        raise BrainstackError(
            f"{error.filename}: {error.strerror}; wanted a folder that brainstack may write to: mend its permissions, "
            "or the disk."
        ) from error
    for wait_s in (*[ASKING_S] * 5, None):  # whoever only asks has it for an instant
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError as error:
            if wait_s is None:
                lock.seek(0)
                holder = lock.read().strip() or "another process"
                lock.close()
                raise BrainstackError(being_run(folder.prep_id, holder)) from error
            time.sleep(wait_s)
    lock.seek(0)
    lock.truncate()
    lock.write(f"process {os.getpid()} on {os.uname().nodename}\n")
    lock.flush()
    return lock


def being_run(prep_id: str, holder: str) -> str:
    """What is said to whoever would run an animal that somebody runs."""
    return f"{prep_id} is being run by {holder}; wait for that run to end, or stop it with `brainstack stop {prep_id}`."


def holder_of(folder: AnimalFolder) -> str:
    """Who holds the animal's lock, such as "process 123 on server"; "" where nobody does."""
    try:
        with folder.lock.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return ""
    except OSError:
        return folder.lock.read_text().strip() or "another process"
    return ""


@contextmanager
def locked(folder: AnimalFolder) -> Iterator[None]:
    """Hold the animal's lock. Raises BrainstackError as `take_lock` does."""
    with take_lock(folder):
        yield


@contextmanager
def editing(folder: AnimalFolder) -> Iterator[None]:
    """Hold what keeps people's masks apart: a run that takes edits in, the review page and commands each have it for a
    moment, and wait for each other. Raises BrainstackError where another has it for long."""
    folder.edits_lock.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + EDITING_S
    with folder.edits_lock.open("a+") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() > until:
                    raise BrainstackError(
                        f"{folder.prep_id}: another process has been keeping masks for {EDITING_S:.0f} s; nothing was "
                        "changed; try again, and see what holds "
                        f"{folder.edits_lock} if that goes on."
                    ) from error
                time.sleep(ASKING_S)
        yield


def parts_of(folder: AnimalFolder) -> Iterator[Path]:
    """Files and folders that a killed process left half written. For whoever holds the lock: no other is alive."""
    for parent, folders, files in os.walk(folder.root):  # czi, a link, is not followed
        if Path(parent) == folder.czi:  # and a folder of that name is not looked into: nothing of ours is there
            folders.clear()
            continue
        names = [name for name in folders if name.startswith(PART)]
        folders[:] = [name for name in folders if name not in names]
        yield from (Path(parent) / name for name in [*names, *files] if name.startswith(PART))


def remove_parts(folder: AnimalFolder) -> None:
    """Remove what a killed process left half written: the lock says that none is alive."""
    for path in list(parts_of(folder)):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
