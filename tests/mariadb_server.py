"""A MariaDB for the tests: its own folder, socket and port, on the loopback only. Several pytests share one by a lock.

Its defaults are the worst that a lab's server may have (latin1, lax, another time zone), so that what brainstack needs
holds because brainstack asks for it.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pymysql

PROGRAMS = "mariadbd", "mariadb-install-db"
START_S = 60.0
QUICK = (
    "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=64M", "--innodb-file-per-table=0",
    "--innodb-flush-log-at-trx-commit=2", "--skip-innodb-doublewrite", "--innodb-flush-method=nosync",
)  # fmt: skip
"""Nothing is safe on power failure; a kill of the server keeps what was committed."""
SERVING = (
    "--bind-address=127.0.0.1", "--skip-name-resolve", "--skip-log-bin", "--performance-schema=off",
    "--max-connections=100", "--character-set-server=latin1", "--collation-server=latin1_swedish_ci", "--sql-mode=",
    "--default-time-zone=+03:00",
)  # fmt: skip


@dataclass(frozen=True)
class Server:
    """A MariaDB that runs. root has no password and may do everything."""

    folder: Path
    port: int
    process: int

    @property
    def socket(self) -> Path:
        return self.folder / "sock"

    def url(self, database: str, *, user: str = "root", password: str = "", driver: str = "mysqlconnector") -> str:
        login = f"{user}:{password}" if password else user
        return f"mysql+{driver}://{login}@127.0.0.1:{self.port}/{database}"

    def sql(self, *statements: str, database: str = "") -> list[tuple[object, ...]]:
        """What root types; returns the rows of the last statement."""
        with (
            pymysql.connect(
                unix_socket=str(self.socket), user="root", database=database, autocommit=True
            ) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute("SET NAMES utf8mb4")
            for statement in statements:
                cursor.execute(statement)
            return list(cursor.fetchall())


def why_not() -> str:
    """Why there can be no MariaDB on this machine, or ''."""
    missing = [name for name in PROGRAMS if program(name) is None]
    return f"{' and '.join(missing)} not found; on Debian: sudo apt-get install mariadb-server" if missing else ""


def program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


@contextmanager
def shared(name: str = "tests") -> Iterator[Server]:
    """The server of all who ask by the same name. It ends by itself when the last of them has ended, also by a kill.

    What keeps it is a lock on a file, which the system takes from a process that ends in whatever way.
    """
    parent = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else Path(tempfile.gettempdir())
    folder = parent / f"brainstack-mariadb-{os.getuid()}-{name}"
    folder.mkdir(exist_ok=True, mode=0o700)
    with open(f"{folder}.users", "w") as users:  # noqa: PTH123
        with open(f"{folder}.lock", "w") as lock:  # noqa: PTH123
            fcntl.flock(lock, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)  # waits while a watcher ends a server that nobody used any more
            server = _running(folder) or _watched(folder)
        yield server


def _running(folder: Path) -> Server | None:
    file = folder / "server.json"
    if not file.exists():
        return None
    said = json.loads(file.read_text())
    server = Server(folder, said["port"], said["process"])
    return server if _answers(server) else None


def _watched(folder: Path) -> Server:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    server = start(folder)
    (folder / "server.json").write_text(json.dumps({"port": server.port, "process": server.process}))
    _begin([sys.executable, __file__, str(folder), str(server.process)], Path(os.devnull))
    return server


def start(folder: Path) -> Server:
    """A server on what is in the folder, or a new one. Returns when it answers."""
    data = folder / "data"
    where = f"--user={getpass.getuser()}", f"--datadir={data}"
    if not data.exists():
        words = str(program("mariadb-install-db")), "--no-defaults", *where, *QUICK
        made = subprocess.run(
            [*words, "--skip-test-db", "--auth-root-authentication-method=normal"], capture_output=True, text=True
        )
        if made.returncode:
            raise RuntimeError(f"no MariaDB for the tests: {made.stdout[-2000:]}{made.stderr[-2000:]}")
    port = _free_port()
    files = f"--socket={folder / 'sock'}", f"--pid-file={folder / 'pid'}", f"--tmpdir={folder}"
    words = str(program("mariadbd")), "--no-defaults", *where, *QUICK, *SERVING, *files, f"--port={port}"
    process = _begin(words, folder / "log")
    server = Server(folder, port, process)
    until = time.monotonic() + START_S
    while not _answers(server):
        if not _is_alive(process) or time.monotonic() > until:
            raise RuntimeError(f"no MariaDB for the tests: {(folder / 'log').read_text()[-2000:]}")
        time.sleep(0.02)
    return server


def _answers(server: Server) -> bool:
    """Whether one can connect. (PyMySQL would leave a socket open where one cannot.)"""
    with socket.socket(socket.AF_UNIX) as tried:
        return tried.connect_ex(str(server.socket)) == 0


def _begin(words: Sequence[str], log: Path) -> int:
    """Start what goes on without this process. Returns its number."""
    from_nothing = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    to_log = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    files = [from_nothing, to_log, (os.POSIX_SPAWN_DUP2, 1, 2)]
    return os.posix_spawn(words[0], words, os.environ, file_actions=files, setsid=True)


def stop(server: Server, *, how: int = signal.SIGTERM) -> None:
    """how : SIGTERM, or SIGKILL for a server that falls over. Returns when it is gone."""
    try:
        os.kill(server.process, how)
    except ProcessLookupError:
        return
    until = time.monotonic() + START_S
    while _is_alive(server.process) and time.monotonic() < until:
        time.sleep(0.02)


def statements_of(server: Server, database: str) -> tuple[str, ...]:
    """What makes a database as this one is: its tables, views and rows. It is ten times as quick as migrations."""
    kinds = dict(server.sql("SHOW FULL TABLES", database=database))
    tables = [str(name) for name, kind in kinds.items() if kind == "BASE TABLE"]
    made = ["SET foreign_key_checks = 0"]
    for name in tables:
        made.append(str(server.sql(f"SHOW CREATE TABLE `{name}`", database=database)[0][1]))
    for name in tables:
        rows = server.sql(f"SELECT * FROM `{name}`", database=database)
        if rows:
            values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
            made.append(f"INSERT INTO `{name}` VALUES {values}")
    made.append("SET foreign_key_checks = 1")
    views = {str(name): str(_view(server, database, str(name))) for name in kinds if str(name) not in tables}
    needed = {name: {other for other in views if other != name and f"`{other}`" in views[name]} for name in views}
    made += [views[name] for name in TopologicalSorter(needed).static_order()]
    return tuple(made)


def _view(server: Server, database: str, name: str) -> str:
    return str(server.sql(f"SHOW CREATE VIEW `{name}`", database=database)[0][1]).replace(f"`{database}`.", "")


def _literal(value: object) -> str:
    return pymysql.converters.escape_item(value, "utf8mb4")


def _is_alive(process: int) -> bool:
    with suppress(ChildProcessError):
        return os.waitpid(process, os.WNOHANG) == (0, 0)  # one that this process started
    with suppress(OSError):
        return "(mariadbd) Z" not in Path(f"/proc/{process}/stat").read_text()
    return False


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def watch(folder: Path, process: int) -> None:
    """Wait until nobody uses the server any more, end it and remove its folder."""
    with open(f"{folder}.users", "w") as users:  # noqa: PTH123
        fcntl.flock(users, fcntl.LOCK_EX)  # all who shared it have ended
        stop(Server(folder, 0, process), how=signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    watch(Path(sys.argv[1]), int(sys.argv[2]))
