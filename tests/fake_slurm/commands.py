"""sbatch, squeue, sacct, scancel, sinfo, scontrol, sacctmgr, as Slurm 22.05 answers, and what runs the jobs.

Called as `commands.py NAME WORDS...` by the files in bin/. All that is known of jobs is in
$FAKE_SLURM_DIR/state.sqlite; a process that the first sbatch starts (`commands.py daemon`) runs elements of arrays as
processes of this machine. What is to go wrong is in $FAKE_SLURM_DIR/faults.json, whose keys are those of FAULTS; each
call is a line of calls.jsonl.

What may surprise in the real one, and is the same here: a job that no node has the memory for is refused, and stays
known as FAILED by BadConstraints under its name; elements that wait and are cancelled by `scancel --name` or one by
one are not known any more, and one record without an index (N/A) stands for them; a script that a signal ended is
FAILED by JobLaunchFailure, as one that never ran; without --no-requeue a job of a lost node goes back in the queue;
`scontrol show partition` of one that is not there says so on stdout. Other than here, sacct lags for seconds, and
knows nothing at first.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pwd
import re
import shlex
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

FOLDER = Path(os.environ["FAKE_SLURM_DIR"])
USER = pwd.getpwuid(os.getuid()).pw_name
VERSION = "slurm-wlm 22.05.8"

FAULTS: dict[str, Any] = {
    # what the cluster is
    "nodes": ["sn1", "sn2"],
    "cpus": 8,
    "memory_mb": 8000,
    "partitions": {"main": 7 * 24 * 60, "short": 10},  # name -> most minutes; the first is the default
    "accounts": None,  # names; any is right where there is no list
    "accounting": "slurmdbd",  # or "none": sacct says that it is disabled
    "running": 4,  # elements at once
    "max_array_size": 1001,
    "max_submit_jobs": None,  # of a user: more elements that have not ended are refused
    "min_job_age_s": 300,  # how long squeue tells of what has ended; 0: not at all
    "minute_s": 60.0,  # how long a minute of --time lasts
    "kill_wait_s": 0.5,  # from SIGTERM to SIGKILL
    "requeue_s": 1.0,  # until a job that goes back in the queue starts again
    # what goes wrong: see `of_call` and `fate_of`
    "appears_after_s": 0.0,  # squeue and sacct do not know a new job before
    "state_lag_s": 0.0,  # squeue tells what was so long ago
    "sacct_lag_s": 0.0,
    "hang_s": 3600.0,
    "sbatch": [],
    "squeue": [],
    "sacct": [],
    "scancel": [],
    "sinfo": [],
    "scontrol": [],
    "sacctmgr": [],
    "elements": {},
    "pending": {},
}
"""The keys of faults.json, and what holds for those that it does not have.

sbatch, squeue ... : what goes wrong with the calls of a command, first, second, ...; calls after those are answered. A
    word instead of a list: with each call. Words for all commands: ok, timeout, unreachable, hang; a number is a delay
    in seconds. squeue and sacct: empty (as if there was nothing), cut (half of the answer). scancel: ignored. sbatch:
    limit, partition, account, qos (refused so), lost (accepted; the client hears of a time out), silent (accepted;
    the client prints nothing, status 0), killed (accepted; the client dies), killed_before (not accepted),
    hang_after (accepted; then it hangs), twice (accepted twice; the client prints the second), kill_parent_before and
    kill_parent_after (whoever called it dies by kill -9, before or after it is accepted).
elements : pattern of `job name:index` -> what becomes of elements that start, first, second, ...; a word instead of a
    list: of each. It is a state (TIMEOUT, NODE_FAIL, OUT_OF_MEMORY, PREEMPTED, FAILED, COMPLETED ...), LAUNCH_FAILURE
    (nothing of it ever runs), VANISHED (Slurm forgets it when it has ended), null (it is well), or more exactly
    {"state", "after_s", "exit", "reason"}: it is killed after_s (0.2; 0: it never really starts; null: it runs to
    its end).
pending : pattern of `job name:index` -> reason why it does not start as long as this stands here.
"""

REASONS = {"TIMEOUT": "TimeLimit", "NODE_FAIL": "NodeDown", "OUT_OF_MEMORY": "OutOfMemory", "FAILED": "NonZeroExitCode"}
EXITS = {"OUT_OF_MEMORY": "0:125", "TIMEOUT": "0:15", "PREEMPTED": "0:15", "FAILED": "1:0"}
ACTIVE = "PENDING", "RUNNING", "COMPLETING"
SUDDEN = "NODE_FAIL", "OUT_OF_MEMORY", "VANISHED", "COMPLETED"
"""States of what is ended by kill -9; others get SIGTERM first."""

NO_INDEX = -1
"""Of a job that is no array."""
REST = -2
"""Of the record that stands for elements of an array that were cancelled one by one, or by name, before they began."""

TIMED_OUT = "Socket timed out on send/recv operation"
UNREACHABLE = "Unable to contact slurm controller (connect failure)"
VIOLATED = "Job violates accounting/QOS policy (job submit limit, user's size and/or time limits)"

TABLES = """
CREATE TABLE IF NOT EXISTS jobs (job INTEGER PRIMARY KEY, name TEXT, is_array INTEGER, at_once INTEGER, submitted REAL,
    options TEXT, words TEXT, environment TEXT, reason TEXT DEFAULT 'None');
CREATE TABLE IF NOT EXISTS elements (job INTEGER, idx INTEGER, raw INTEGER, state TEXT, reason TEXT, exit TEXT,
    node TEXT, started REAL, ended REAL, cancelled INTEGER DEFAULT 0, restarts INTEGER DEFAULT 0,
    not_before REAL DEFAULT 0, PRIMARY KEY (job, idx));
CREATE INDEX IF NOT EXISTS by_state ON elements (state, job, idx);
CREATE TABLE IF NOT EXISTS changes (job INTEGER, idx INTEGER, at REAL, state TEXT, reason TEXT, exit TEXT, node TEXT);
CREATE INDEX IF NOT EXISTS by_element ON changes (job, idx);
CREATE TABLE IF NOT EXISTS used (key TEXT PRIMARY KEY, number INTEGER);
"""


class Refused(Exception):  # noqa: N818
    """What the command says on stderr before it ends with status 1."""


# -------------------------------------------------------------------------------------------------------------- state


def faults() -> dict[str, Any]:
    file = FOLDER / "faults.json"
    said = json.loads(file.read_text()) if file.exists() else {}
    if unknown := set(said) - set(FAULTS):
        raise SystemExit(f"{file}: {', '.join(unknown)} is none of {', '.join(FAULTS)}")
    return FAULTS | said


def is_closed() -> bool:
    """Whether the test is over: nothing is answered then, and nothing runs."""
    return (FOLDER / "closed").exists()


def state() -> sqlite3.Connection:
    if is_closed():
        raise Refused(f"slurm error: {UNREACHABLE}")
    database = sqlite3.connect(FOLDER / "state.sqlite", timeout=60, isolation_level=None)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA synchronous = OFF")
    if not (FOLDER / "made").exists():
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(TABLES)
        (FOLDER / "made").touch()
    return database


@contextmanager
def changing(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def numbered(database: sqlite3.Connection, key: str) -> int:
    """How often this was asked with the same key before."""
    database.execute("INSERT INTO used VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET number = number + 1", [key])
    return int(database.execute("SELECT number FROM used WHERE key = ?", [key]).fetchone()[0]) - 1


def next_of(database: sqlite3.Connection, key: str, said: Any) -> Any:
    """The next of a list, None when all are used; what is no list, always."""
    if not isinstance(said, list):
        return said
    number = numbered(database, f"{key} {json.dumps(said)}") if said else 0
    return said[number] if number < len(said) else None


def change(database: sqlite3.Connection, job: int, index: int, at: str, **values: object) -> None:
    """Write values of an element, and that its state is what it is from now on."""
    values["state"] = at
    fields = ", ".join(f"{name} = ?" for name in values)
    database.execute(f"UPDATE elements SET {fields} WHERE job = ? AND idx = ?", [*values.values(), job, index])
    database.execute(
        "INSERT INTO changes SELECT job, idx, ?, state, reason, exit, node FROM elements WHERE job = ? AND idx = ?",
        [time.time(), job, index],
    )


def of_call(command: str, words: list[str]) -> str:
    """Note a call. What goes wrong with it: a word, or '' where nothing does. A delay or a hang is over on return."""
    line = json.dumps({"time": time.time(), "command": command, "argv": words, "pid": os.getpid()}) + "\n"
    with (FOLDER / "calls.jsonl").open("a") as calls:
        calls.write(line)
    said = faults()
    if not said[command]:
        return ""
    with changing(database := state()):
        fault = next_of(database, command, said[command])
    if isinstance(fault, int | float):
        time.sleep(fault)
        return ""
    if fault == "hang":
        time.sleep(said["hang_s"])
    return "" if fault in (None, "ok", "hang") else str(fault)


class Words(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Refused(f"{self.prog}: {message}")


def parser(command: str, *options: str) -> Words:
    """Options with a value as `-x/--name=`, without one as `-x/--name`."""
    words = Words(prog=command, allow_abbrev=False, add_help=False)
    for option in options:
        names = [("-" if len(name) == 1 else "--") + name for name in option.rstrip("=").split("/")]
        destination = option.rstrip("=").split("/")[-1].replace("-", "_")
        words.add_argument(*names, dest=destination, **({} if option.endswith("=") else {"action": "store_true"}))
    return words


# ------------------------------------------------------------------------------------------------------------- sbatch

SBATCH = (
    *("J/job-name=", "a/array=", "o/output=", "e/error=", "mem=", "c/cpus-per-task=", "t/time=", "p/partition="),
    *("A/account=", "q/qos=", "gres=", "comment=", "no-requeue", "requeue", "x/exclude=", "open-mode=", "D/chdir="),
    *(
        "export=",
        "parsable",
        "H/hold",
        "n/ntasks=",
        "N/nodes=",
        "G/gpus=",
        "w/nodelist=",
        "C/constraint=",
        "mem-per-cpu=",
    ),
    "test-only",
    *("Q/quiet", "wrap=", "k/no-kill", "mail-type=", "mail-user=", "nice=", "signal=", "reservation=", "licenses="),
)


def sbatch(words: list[str], fault: str) -> None:
    options = parser("sbatch", *SBATCH)
    given, rest = options.parse_known_args(words)
    if given.wrap:
        text, where = f"#!/bin/sh\n# This script was created by sbatch --wrap.\n\n{given.wrap}\n", "wrap"
    elif rest:
        where = Path(rest[0]).name
        try:
            text = Path(rest[0]).read_text()
        except OSError:
            raise Refused(f"sbatch: error: Unable to open file {rest[0]}") from None
    else:
        text, where = sys.stdin.read(), "sbatch"
    if not text:
        raise Refused("sbatch: error: Batch script is empty!")
    if not text.startswith("#!"):
        raise Refused(
            "sbatch: error: This does not look like a batch script.  The first\n"
            "sbatch: error: line must start with #! followed by the path to an interpreter.\n"
            "sbatch: error: For instance: #!/bin/sh"
        )
    asked = vars(options.parse_args([*in_script(text), *words[: len(words) - len(rest)]]))
    asked["job_name"] = asked["job_name"] or os.environ.get("SLURM_JOB_NAME") or where
    asked["script_arguments"] = rest[1:]
    said = faults()
    if fault == "killed_before":
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "kill_parent_before":
        os.kill(os.getppid(), signal.SIGKILL)
        return
    refuse(said, fault)
    with changing(database := state()):
        job = accepted(database, asked, text, said)
        if fault == "twice":
            job = accepted(database, asked, text, said)
    start_daemon()
    if isinstance(job, str):
        raise Refused(job)
    if given.test_only:
        sys.stderr.write("sbatch: Job 1 to start at 2026-01-01T00:00:00 a using 1 processors on nodes sn1\n")
        return
    if fault == "kill_parent_after":
        os.kill(os.getppid(), signal.SIGKILL)
    if fault in ("killed", "kill_parent_after"):
        os.kill(os.getpid(), signal.SIGKILL)
    if fault == "hang_after":
        time.sleep(said["hang_s"])
    if fault == "lost":
        raise Refused(f"sbatch: error: Batch job submission failed: {TIMED_OUT}")
    if fault != "silent":
        say([str(job) if asked["parsable"] else f"Submitted batch job {job}"])


def in_script(text: str) -> list[str]:
    """The words of its #SBATCH lines, which count only before the first command."""
    found = []
    for line in text.splitlines():
        if line.startswith("#SBATCH"):
            found += shlex.split(line.removeprefix("#SBATCH"), comments=True)
        elif line.strip() and not line.startswith("#"):
            break
    return found


def refuse(said: dict[str, Any], fault: str) -> None:
    failed = "sbatch: error: Batch job submission failed: "
    reasons = {
        "limit": f"sbatch: error: QOSMaxSubmitJobPerUserLimit\n{failed}{VIOLATED}",
        "partition": f"sbatch: error: invalid partition specified: main\n{failed}Invalid partition name specified",
        "account": f"{failed}Invalid account or account/partition combination specified",
        "qos": f"{failed}Invalid qos specification",
        "timeout": failed + TIMED_OUT,
        "unreachable": failed + UNREACHABLE,
    }
    if fault in reasons:
        raise Refused(reasons[fault])


def accepted(database: sqlite3.Connection, asked: dict[str, Any], text: str, said: dict[str, Any]) -> int | str:
    """A new job's number, or what is said of one that is refused."""
    failed = "sbatch: error: Batch job submission failed: "
    partition = asked["partition"] or next(iter(said["partitions"]))
    if partition not in said["partitions"]:
        return f"sbatch: error: invalid partition specified: {partition}\n{failed}Invalid partition name specified"
    if said["accounts"] is not None and asked["account"] and asked["account"] not in said["accounts"]:
        return f"{failed}Invalid account or account/partition combination specified"
    if asked["gres"] or asked["gpus"]:
        return "sbatch: error: Invalid generic resource (gres) specification"
    if set(listed(asked["exclude"])) - set(said["nodes"]):
        return f"{failed}Invalid node name specified"
    if not set(said["nodes"]) - set(listed(asked["exclude"])):
        return f"{failed}Requested node configuration is not available"
    try:
        indices, at_once = array_of(asked["array"])
        asked["minutes"] = minutes_of(asked["time"]) if asked["time"] else said["partitions"][partition]
        asked["memory_mb"] = megabytes_of(asked["mem"]) if asked["mem"] else 100
        asked["cores"] = int(asked["cpus_per_task"] or 1)
    except ValueError as error:
        return failed + str(error)
    if asked["array"] and (not indices or max(indices) >= said["max_array_size"]):
        return failed + "Invalid job array specification"
    if asked["minutes"] > said["partitions"][partition]:
        return failed + "Requested time limit is invalid (missing or exceeds some limit)"
    if asked["cores"] > said["cpus"]:
        return failed + "More processors requested than permitted"
    active = "SELECT count(*) FROM elements WHERE state IN ('PENDING', 'RUNNING', 'COMPLETING')"
    most = said["max_submit_jobs"]
    if most is not None and database.execute(active).fetchone()[0] + len(indices) > most:
        return f"sbatch: error: QOSMaxSubmitJobPerUserLimit\n{failed}{VIOLATED}"
    if asked["test_only"]:
        return 0
    job = numbered(database, "job") + 1
    (FOLDER / "scripts").mkdir(exist_ok=True)
    (FOLDER / "scripts" / str(job)).write_text(text)
    asked |= {"partition": partition, "folder": asked["chdir"] or str(Path.cwd())}
    first_line = shlex.split(text.splitlines()[0][2:])
    database.execute(
        "INSERT INTO jobs (job, name, is_array, at_once, submitted, options, words, environment)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            *(job, asked["job_name"], bool(asked["array"]), at_once, time.time(), json.dumps(asked)),
            *(json.dumps(first_line), json.dumps(exported(asked["export"]))),
        ],
    )
    # Slurm refuses a job that no node has the memory for, and keeps it all the same, as one that failed.
    too_large = asked["memory_mb"] > said["memory_mb"]
    values = ("FAILED", "BadConstraints", time.time()) if too_large else ("PENDING", "None", None)
    rows = [(job, index, job, values[0], values[1], "0:0", "", values[2]) for index in indices]
    database.executemany(
        "INSERT INTO elements (job, idx, raw, state, reason, exit, node, ended) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows
    )
    database.executemany(
        "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(row[0], row[1], time.time(), *row[3:7]) for row in rows],
    )
    if too_large:
        words = "Memory specification can not be satisfied"
        return f"sbatch: error: {words}\n{failed}Requested node configuration is not available"
    return job


def exported(said: str | None) -> dict[str, str]:
    """What a job finds in its environment by --export=ALL,NAME=VALUE,NAME or NONE."""
    words = (said or os.environ.get("SBATCH_EXPORT") or "ALL").split(",")
    found = dict(os.environ) if "ALL" in words else {"PATH": os.defpath, "HOME": os.environ.get("HOME", "/")}
    found["FAKE_SLURM_DIR"] = str(FOLDER)
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            found[name] = value
        elif name in os.environ:
            found[name] = os.environ[name]
    return found


def array_of(said: str | None) -> tuple[list[int], int]:
    """Indices, and how many at once at most (0: no limit), of 0-9%2 or 1,4,7 or 0-8:4."""
    if not said:
        return [NO_INDEX], 0
    if not re.fullmatch(r"\d+(-\d+(:\d+)?)?(,\d+(-\d+(:\d+)?)?)*(%\d+)?", said):
        raise ValueError("Invalid job array specification")
    words, _, at_once = said.partition("%")
    return listed_numbers(words), int(at_once or 0)


def listed_numbers(said: str) -> list[int]:
    found = set()
    for word in said.split(","):
        first, last, step = (int(one) if one else None for one in re.fullmatch(NUMBERS, word).groups())  # type: ignore[union-attr]
        found |= set(range(first, (last or first) + 1, step or 1))  # type: ignore[operator,arg-type]
    return sorted(found)


NUMBERS = r"(\d+)(?:-(\d+))?(?::(\d+))?"


def listed(said: str | None) -> list[str]:
    """Names of nodes of sn1,sn2 or sn[1-2,4]."""
    found = []
    for name, numbers in re.findall(r"([^,\[\]]+)(?:\[([^\]]*)\])?", said or ""):
        found += [f"{name}{number}" for number in listed_numbers(numbers)] if numbers else [name]
    return found


def minutes_of(said: str) -> float:
    """Minutes; minutes:seconds; hours:minutes:seconds; days-hours[:minutes[:seconds]]."""
    if not re.fullmatch(r"(\d+-)?\d+(:\d+){0,2}", said):
        raise ValueError("Requested time limit is invalid (missing or exceeds some limit)")
    days, dash, rest = said.rpartition("-")
    parts = [int(one) for one in rest.split(":")]
    if dash:
        hours, minutes, seconds = (*parts, 0, 0)[:3]
    else:
        hours, minutes, seconds = parts if len(parts) == 3 else (0, *(*parts, 0)[:2])
    return int(days or 0) * 1440 + hours * 60 + minutes + seconds / 60


def megabytes_of(said: str) -> float:
    found = re.fullmatch(r"(\d+)([KMGT]?)B?", said.upper())
    if not found:
        raise ValueError("Invalid --mem specification")
    return int(found[1]) * {"K": 1 / 1024, "": 1, "M": 1, "G": 1024, "T": 1024**2}[found[2]]


# ---------------------------------------------------------------------------------------------------- squeue and sacct


def rows_of(database: sqlite3.Connection, *, lag_s: float, said: dict[str, Any]) -> list[sqlite3.Row]:
    """Elements with what is known of their jobs, as they were so long ago."""
    now = time.time()
    joined = (
        "SELECT e.job, e.idx, e.raw, c.state, c.reason, c.exit, c.node, e.started, e.ended, j.name, j.is_array,"
        " j.at_once, j.submitted, j.options, j.reason AS waits FROM elements e JOIN jobs j USING (job) JOIN "
    )
    if lag_s:
        joined += (
            "changes c ON c.rowid = (SELECT max(rowid) FROM changes WHERE job = e.job AND idx = e.idx AND at <= :then)"
        )
    else:
        joined += "elements c ON c.job = e.job AND c.idx = e.idx"
    joined += " WHERE j.submitted <= :new AND e.state != 'GONE' AND c.state != 'GONE' ORDER BY e.job, e.idx"
    return database.execute(joined, {"then": now - lag_s, "new": now - said["appears_after_s"]}).fetchall()


def squeue(words: list[str], fault: str) -> None:
    given = parser(
        "squeue",
        *(
            "h/noheader",
            "r/array",
            "t/states=",
            "u/user=",
            "me",
            "n/name=",
            "j/jobs=",
            "p/partition=",
            "o/format=",
            "a/all",
        ),
    ).parse_args(words)
    if fault in ("timeout", "unreachable"):
        raise Refused(f"slurm_load_jobs error: {TIMED_OUT if fault == 'timeout' else UNREACHABLE}")
    said = faults()
    start_daemon_where_needed(database := state())
    form = given.format or "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R"
    states = given.states.upper().split(",") if given.states else list(ACTIVE)
    names = given.name.split(",") if given.name is not None else None
    users = [USER] if given.me else given.user.split(",") if given.user else None
    if unknown := [user for user in users or () if not is_user(user)]:
        raise Refused(f"squeue: error: Invalid user: {unknown[0]}")
    rows = []
    for row in rows_of(database, lag_s=said["state_lag_s"], said=said):
        forgotten = row["ended"] and row["ended"] + said["min_job_age_s"] <= time.time() and row["state"] not in ACTIVE
        if (
            not forgotten
            and (names is None or row["name"] in names)
            and (users is None or {USER, str(os.getuid())} & set(users))
        ):
            rows.append(row)
    if given.jobs:
        wanted = [parsed_job(one) for one in given.jobs.split(",")]
        rows = [row for row in rows if any(is_meant(row, *one) for one in wanted)]
        if not rows and len(wanted) == 1:
            raise Refused("slurm_load_jobs error: Invalid job id specified")
    rows = [row for row in rows if "ALL" in states or row["state"] in states]
    lines = [] if given.noheader else [re.sub(r"%(\.?\d*)(\w)", lambda found: HEADS[found[2]], form)]
    lines += [formatted(form, record) for record in (records(rows) if not given.array else map(record_of, rows))]
    say([] if fault == "empty" else lines, cut=fault == "cut")


HEADS = {
    **{"F": "ARRAY_JOB_ID", "K": "ARRAY_TASK_ID", "T": "STATE", "t": "ST", "r": "REASON", "R": "NODELIST(REASON)"},
    **{"j": "NAME", "N": "NODELIST", "i": "JOBID", "A": "JOBID", "k": "COMMENT", "M": "TIME", "P": "PARTITION"},
    **{"u": "USER", "D": "NODES", "C": "CPUS", "m": "MIN_MEMORY", "a": "ACCOUNT", "q": "QOS"},
}


read = cache(json.loads)
"""Options of a job; as many of its elements follow one another, reading them once spares seconds."""


def record_of(row: sqlite3.Row, numbers: str = "") -> dict[str, str]:
    """What squeue's letters stand for. numbers : of all elements that the line is for."""
    options = read(row["options"])
    index = numbers or (str(row["idx"]) if row["idx"] >= 0 else "N/A")
    number = str(row["job"]) if index == "N/A" else f"{row['job']}_{f'[{index}]' if numbers else index}"
    reason = row["reason"]
    if row["state"] == "PENDING" and reason == "None":
        reason = row["waits"]
    seconds = int((row["ended"] or time.time()) - row["started"]) if row["started"] else 0
    return {
        **{"F": str(row["job"]), "K": index, "T": row["state"], "t": SHORT.get(row["state"], "??"), "r": reason},
        **{"R": row["node"] or f"({reason})", "j": row["name"], "N": row["node"], "i": number, "A": str(row["raw"])},
        **{"k": options["comment"] or "(null)", "M": f"{seconds // 60}:{seconds % 60:02}", "P": options["partition"]},
        **{"u": USER, "D": "1", "C": str(options.get("cores", 1)), "m": options["mem"] or "100M"},
        **{"a": options["account"] or "(null)", "q": options["qos"] or "(null)", "exit": row["exit"]},
    }


SHORT = {
    **{"PENDING": "PD", "RUNNING": "R", "COMPLETING": "CG", "COMPLETED": "CD", "FAILED": "F", "CANCELLED": "CA"},
    **{"TIMEOUT": "TO", "NODE_FAIL": "NF", "OUT_OF_MEMORY": "OOM", "PREEMPTED": "PR"},
}


def records(rows: Iterable[sqlite3.Row]) -> Iterator[dict[str, str]]:
    """As record_of, but one for all elements of an array that wait, as squeue shows them without -r."""
    waiting: dict[int, list[sqlite3.Row]] = {}
    for row in rows:
        if row["state"] == "PENDING" and row["idx"] >= 0:
            waiting.setdefault(row["job"], []).append(row)
        else:
            yield record_of(row)
    for same in waiting.values():
        at_once = f"%{same[0]['at_once']}" if same[0]["at_once"] else ""
        yield record_of(same[0], ranges([row["idx"] for row in same]) + at_once)


def ranges(numbers: list[int]) -> str:
    """0-3,5 of 0 1 2 3 5."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def formatted(form: str, record: dict[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        width = int(found[1].lstrip(".") or 0)
        text = record[found[2]]
        return (text.rjust(width) if found[1].startswith(".") else text.ljust(width))[:width] if width else text

    return re.sub(r"%(\.?\d*)(\w)", value, form)


def parsed_job(said: str) -> tuple[int, list[int] | None]:
    """Number, and indices where some are meant, of 12, 12_3 or 12_[3-5,7]."""
    found = re.fullmatch(r"(\d+)(?:_(?:(\d+)|\[([\d,:-]+)(?:%\d+)?\]))?", said)
    if not found:
        raise ValueError(said)
    indices = found[2] or found[3]
    return int(found[1]), listed_numbers(indices) if indices else None


def is_meant(row: sqlite3.Row, job: int, indices: list[int] | None) -> bool:
    if indices is None:
        return job in (row["job"], row["raw"])
    return row["job"] == job and row["idx"] in indices


def is_user(said: str) -> bool:
    """A name or a number of somebody."""
    with suppress(KeyError):
        return said.isdecimal() or bool(pwd.getpwnam(said))
    return False


def sacct(words: list[str], fault: str) -> None:
    given = parser(
        "sacct",
        *("n/noheader", "P/parsable2", "X/allocations", "j/jobs=", "o/format=", "u/user=", "name=", "S/starttime="),
        *("E/endtime=", "s/state=", "a/allusers", "D/duplicates"),
    ).parse_args(words)
    said = faults()
    if said["accounting"] != "slurmdbd":
        raise Refused("Slurm accounting storage is disabled")
    if fault in ("timeout", "unreachable"):
        raise Refused("sacct: error: slurm_persist_conn_open_without_init: failed to open persistent connection to dbd")
    start_daemon_where_needed(database := state())
    fields = (given.format or "JobID,JobName,Partition,Account,AllocCPUS,State,ExitCode").split(",")
    try:
        wanted = [parsed_job(one) for one in given.jobs.split(",")] if given.jobs else None
    except ValueError as error:
        raise Refused(f"sacct: fatal: Bad job/step specified: {error}") from None
    rows = [
        row
        for row in rows_of(database, lag_s=said["sacct_lag_s"], said=said)
        if (wanted is None or any(is_meant(row, *one) for one in wanted))
        and (given.name is None or row["name"] in given.name.split(","))
    ]
    lines = [] if given.noheader else ["|".join(fields)]
    lines += ["|".join(accounted(record, field) for field in fields) for record in records(rows)]
    say([] if fault == "empty" else lines, cut=fault == "cut")


def accounted(record: dict[str, str], field: str) -> str:
    names = {
        "jobid": "i",
        "jobidraw": "A",
        "jobname": "j",
        "partition": "P",
        "account": "a",
        "reqmem": "m",
        "user": "u",
    }
    names |= {"state": "T", "exitcode": "exit", "nodelist": "N", "alloccpus": "C", "reqcpus": "C", "elapsed": "M"}
    names |= {"maxrss": "", "comment": "k", "reason": "r"}
    try:
        letter = names[field.lower()]
    except KeyError:
        raise Refused(f'sacct: fatal: Invalid field requested: "{field}"') from None
    if letter == "T" and record["T"] == "CANCELLED":
        return f"CANCELLED by {os.getuid()}"
    return record.get(letter, "") or ("None assigned" if letter == "N" else "")


# ---------------------------------------------------------------------------------------------------------- the others


def scancel(words: list[str], fault: str) -> None:
    given, rest = parser(
        "scancel",
        "n/name=",
        "jobname=",
        "u/user=",
        "me",
        "t/state=",
        "p/partition=",
        "Q/quiet",
        "v/verbose",
        "s/signal=",
        "f/full",
    ).parse_known_args(words)
    name = given.name or given.jobname
    if not (rest or name or given.user or given.me or given.state):
        raise Refused("scancel: error: No job identification provided")
    if fault in ("timeout", "unreachable"):
        raise Refused(f"scancel: error: Kill job error on job id {rest[0] if rest else 0}: {UNREACHABLE}")
    wanted, bad = [], ""
    for word in (one for said in rest for one in re.split(r",(?![^\[]*\])", said)):
        try:
            wanted.append(parsed_job(word))
        except ValueError:
            bad = bad or word
    if bad:
        raise Refused(f"scancel: error: Invalid job id {bad}")
    if fault == "ignored":
        return
    # By its number only, elements that wait stay known, each as cancelled. By name, by state or one by one they are
    # gone; when none is left, one record without an index stands for all of them.
    whole = bool(wanted) and not (name or given.user or given.me or given.state)
    states = {"PENDING": ["PENDING"], "PD": ["PENDING"], "RUNNING": ["RUNNING"], "R": ["RUNNING"]}
    with changing(database := state()):
        for row in database.execute("SELECT e.*, j.name FROM elements e JOIN jobs j USING (job)").fetchall():
            meant = [indices for job, indices in wanted if is_meant(row, job, indices)]
            if (wanted and not meant) or (name and row["name"] != name) or row["state"] not in ACTIVE:
                continue
            if given.state and row["state"] not in states.get(given.state.upper(), []):
                continue
            if row["state"] != "PENDING":
                database.execute(
                    "UPDATE elements SET cancelled = 1 WHERE job = ? AND idx = ?", [row["job"], row["idx"]]
                )
            elif row["idx"] < 0 or (whole and None in meant):
                change(database, row["job"], row["idx"], "CANCELLED", ended=time.time())
            else:
                forget(database, row)
    start_daemon_where_needed(database)


def forget(database: sqlite3.Connection, row: sqlite3.Row) -> None:
    """An element that waited is no more."""
    change(database, row["job"], row["idx"], "GONE")
    left = "SELECT count(*) FROM elements WHERE job = ? AND state = 'PENDING'"
    if not database.execute(left, [row["job"]]).fetchone()[0]:
        database.execute(
            "INSERT INTO elements (job, idx, raw, reason, exit, node) VALUES (?, ?, ?, ?, '0:0', '')",
            [row["job"], REST, row["job"], row["reason"]],
        )
        change(database, row["job"], REST, "CANCELLED", ended=time.time())


def sinfo(words: list[str], fault: str) -> None:
    given = parser(
        "sinfo", "h/noheader", "o/format=", "p/partition=", "N/Node", "t/states=", "V/version", "s/summarize", "e/exact"
    ).parse_args(words)
    if given.version:
        return say([VERSION])
    if fault in ("timeout", "unreachable"):
        raise Refused(f"slurm_load_partitions: {TIMED_OUT if fault == 'timeout' else UNREACHABLE}")
    said = faults()
    form = given.format or "%9P %5a %10l %6D %6t %N"
    heads = {
        "R": "PARTITION",
        "P": "PARTITION",
        "m": "MEMORY",
        "c": "CPUS",
        "l": "TIMELIMIT",
        "a": "AVAIL",
        "G": "GRES",
    }
    heads |= {"D": "NODES", "N": "NODELIST", "t": "STATE", "T": "STATE"}
    lines = [] if given.noheader else [formatted(form, heads)]
    for number, (name, minutes) in enumerate(said["partitions"].items()):
        if given.partition is None or name in given.partition.split(","):
            record = {
                "R": name,
                "P": name + ("" if number else "*"),
                "m": str(said["memory_mb"]),
                "c": str(said["cpus"]),
            }
            record |= {"l": time_of(minutes), "a": "up", "G": "(null)", "D": str(len(said["nodes"])), "t": "idle"}
            record |= {"T": "idle", "N": ",".join(said["nodes"])}
            lines.append(formatted(form, record))
    return say(lines)


def time_of(minutes: int) -> str:
    """As Slurm writes it: 7-00:00:00, 1:00:00, 10:00."""
    days, minutes = divmod(minutes, 1440)
    hours, minutes = divmod(minutes, 60)
    if days:
        return f"{days}-{hours:02}:{minutes:02}:00"
    return f"{hours}:{minutes:02}:00" if hours else f"{minutes}:00"


def scontrol(words: list[str], fault: str) -> None:
    rest = [word for word in words if not word.startswith("-")]
    said = faults()
    if "--version" in words or "-V" in words:
        return say([VERSION])
    if fault in ("timeout", "unreachable"):
        raise Refused(f"slurm_load_ctl_conf error: {TIMED_OUT if fault == 'timeout' else UNREACHABLE}")
    if rest[:1] == ["ping"]:
        return say(["Slurmctld(primary) at localhost is UP"])
    if rest[:2] == ["show", "config"]:
        values = {
            "AccountingStorageType": f"accounting_storage/{said['accounting']}",
            "ClusterName": "fake",
            "EnforcePartLimits": "ALL",
            "JobRequeue": "1",
            "MaxArraySize": said["max_array_size"],
            "MaxJobCount": 10000,
            "MinJobAge": f"{said['min_job_age_s']} sec",
            "SLURM_VERSION": "22.05.8",
        }
        return say(["Configuration data as of now", *(f"{name:<23} = {value}" for name, value in values.items())])
    if rest[:2] == ["show", "partition"]:
        names = rest[2:3] or list(said["partitions"])
        for name in names:
            if name not in said["partitions"]:
                say([f"Partition {name} not found"])  # on stdout, with status 1
                raise SystemExit(1)
        return say([partition_line(name, said) for name in names])
    if rest[:2] == ["show", "job"]:
        return show_job(rest[2:], said)
    raise Refused(f"invalid keyword: {' '.join(rest)}")


def partition_line(name: str, said: dict[str, Any]) -> str:
    count, minutes = len(said["nodes"]), said["partitions"][name]
    days = f"{minutes // 1440}-" if minutes >= 1440 else ""
    longest = f"{days}{minutes % 1440 // 60:02}:{minutes % 60:02}:00"
    default = "YES" if name == next(iter(said["partitions"])) else "NO"
    return (
        f"PartitionName={name} AllowGroups=ALL AllowAccounts=ALL AllowQos=ALL AllocNodes=ALL Default={default} QoS=N/A"
        f" DefaultTime=01:00:00 DisableRootJobs=NO MaxNodes=UNLIMITED MaxTime={longest} MinNodes=0"
        f" Nodes={','.join(said['nodes'])} State=UP TotalCPUs={count * said['cpus']} TotalNodes={count}"
    )


def show_job(words: list[str], said: dict[str, Any]) -> None:
    database = state()
    wanted = [parsed_job(one) for one in words]
    rows = [
        row
        for row in rows_of(database, lag_s=said["state_lag_s"], said=said)
        if any(is_meant(row, *one) for one in wanted)
    ]
    if not rows:
        raise Refused("slurm_load_jobs error: Invalid job id specified")
    lines = []
    for row in rows:
        array = f" ArrayJobId={row['job']} ArrayTaskId={row['idx']}" if row["is_array"] else ""
        lines.append(
            f"JobId={row['raw']}{array} JobName={row['name']} UserId={USER}({os.getuid()}) JobState={row['state']}"
            f" Reason={row['reason']} ExitCode={row['exit']} NodeList={row['node']}"
        )
    say(lines)


def sacctmgr(words: list[str], fault: str) -> None:
    said = faults()
    if said["accounting"] != "slurmdbd":
        raise Refused(
            "You are not running a supported accounting_storage plugin\n"
            "Only 'accounting_storage/slurmdbd' is supported."
        )
    if fault in ("timeout", "unreachable"):
        raise Refused("sacctmgr: error: Problem talking to the database: Connection refused")
    limit = "" if said["max_submit_jobs"] is None else str(said["max_submit_jobs"])
    rows = [{"account": name, "qos": "normal", "maxsubmit": limit} for name in said["accounts"] or ["lab"]]
    form = next(
        (word.partition("=")[2] for word in words if word.lower().startswith("format=")), "account,qos,maxsubmit"
    )
    say(["|".join(row.get(field.lower(), "") for field in form.split(",")) for row in rows])


def say(lines: Iterable[str], *, cut: bool = False) -> None:
    text = "".join(f"{line}\n" for line in lines)
    sys.stdout.write(text[: len(text) // 2] if cut else text)


# ------------------------------------------------------------------------------------------------------ what runs jobs


def start_daemon_where_needed(database: sqlite3.Connection) -> None:
    """It ends when there was nothing to do for long."""
    active = "SELECT 1 FROM elements WHERE state IN ('PENDING', 'RUNNING', 'COMPLETING') LIMIT 1"
    if database.execute(active).fetchone():
        start_daemon()


def start_daemon() -> None:
    with (FOLDER / "daemon.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # it runs
    with (FOLDER / "daemon.log").open("a") as log:
        words = [sys.executable, "-S", "-E", __file__, "daemon"]
        started = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/"
        )
        started.returncode = 0  # it goes on: nothing to wait for


class Daemon:
    """Runs elements: as many at once as there may be, each a process with a session of its own."""

    def __init__(self) -> None:
        self.database = state()
        self.processes: dict[tuple[int, int], subprocess.Popen[bytes]] = {}
        self.fates: dict[tuple[int, int], dict[str, Any]] = {}
        self.stopping: dict[tuple[int, int], float] = {}
        self.idle_since = time.monotonic()

    def run(self) -> None:
        with changing(self.database):  # of a daemon before this one, which somebody killed
            for row in self.database.execute("SELECT job, idx FROM elements WHERE state = 'RUNNING'").fetchall():
                change(self.database, *row, "NODE_FAIL", ended=time.time(), reason="NodeDown")
        while FOLDER.exists() and not is_closed() and time.monotonic() < self.idle_since + 30:
            self.said = faults()
            with changing(self.database):
                self.settle()
                self.begin()
            time.sleep(0.02)
        for process in self.processes.values():
            stop(process, signal.SIGKILL)

    def settle(self) -> None:
        """Ends what is over its time or was cancelled, and notes what has ended."""
        rows = self.database.execute(
            "SELECT e.*, j.options FROM elements e JOIN jobs j USING (job) WHERE state IN ('RUNNING', 'COMPLETING')"
        ).fetchall()
        for row in rows:
            key = row["job"], row["idx"]
            process, fate, options = self.processes.get(key), self.fates[key], json.loads(row["options"])
            lasted = time.time() - row["started"]
            if row["cancelled"]:
                fate.setdefault("was", fate.get("state"))
                fate |= {"state": "CANCELLED", "exit": "0:0", "reason": "None", "after_s": 0.0}
            elif not fate and lasted > options["minutes"] * self.said["minute_s"]:
                fate |= full({"state": "TIMEOUT", "after_s": 0.0})
            due = fate and fate["after_s"] is not None and lasted >= fate["after_s"]
            if process and process.poll() is None:
                if due:
                    self.end(key, process, sudden=fate["state"] in SUDDEN)
            elif process or due or not fate:
                self.note(row, process, fate, options)

    def end(self, key: tuple[int, int], process: subprocess.Popen[bytes], *, sudden: bool) -> None:
        if key not in self.stopping:
            self.stopping[key] = time.monotonic()
            stop(process, signal.SIGKILL if sudden else signal.SIGTERM)
        elif time.monotonic() > self.stopping[key] + self.said["kill_wait_s"]:
            stop(process, signal.SIGKILL)

    def note(
        self, row: sqlite3.Row, process: subprocess.Popen[bytes] | None, fate: dict[str, Any], options: dict[str, Any]
    ) -> None:
        key = row["job"], row["idx"]
        if process:
            stop(process, signal.SIGKILL)  # of an element that ended nothing goes on
        self.processes.pop(key, None)
        self.stopping.pop(key, None)
        ended = outcome(process.returncode if process else 0)
        found = (fate["state"], fate["exit"], fate["reason"]) if fate else ended
        if found[0] == "VANISHED":
            change(self.database, *key, "GONE", ended=time.time())
        elif found[0] in ("NODE_FAIL", "PREEMPTED") and not options["no_requeue"]:
            change(self.database, *key, found[0], exit=found[1], reason=found[2])
            change(
                self.database, *key, "PENDING", reason="BeginTime", node="", restarts=row["restarts"] + 1, started=None,
                not_before=time.time() + self.said["requeue_s"],
            )  # fmt: skip
        else:
            change(self.database, *key, found[0], exit=found[1], reason=found[2], ended=time.time())

    def begin(self) -> None:
        """Starts what may start, and says of the others why they wait."""
        running = dict(
            self.database.execute(
                "SELECT job, count(*) FROM elements WHERE state IN ('RUNNING', 'COMPLETING') GROUP BY job"
            ).fetchall()
        )
        free = self.said["running"] - sum(running.values())
        jobs = self.database.execute(
            "SELECT * FROM jobs WHERE job IN (SELECT job FROM elements WHERE state = 'PENDING') ORDER BY job"
        ).fetchall()
        if running or jobs:
            self.idle_since = time.monotonic()
        for job in jobs:
            options = json.loads(job["options"])
            room = min(free, job["at_once"] - running.get(job["job"], 0)) if job["at_once"] else free
            waits = "Resources" if free <= room else "JobArrayTaskLimit"
            if options["hold"]:
                room, waits = 0, "JobHeldUser"
            for row in self.waiting(job, room):
                reason = next(
                    (why for pattern, why in self.said["pending"].items() if matches(pattern, job, row)), "None"
                )
                if reason == "None" and row["reason"] == "BeginTime" and row["not_before"] > time.time():
                    reason = "BeginTime"
                if reason != row["reason"]:
                    change(self.database, row["job"], row["idx"], "PENDING", reason=reason)
                if reason == "None" and room > 0:
                    self.start(job, row, options)
                    room, free = room - 1, free - 1
            if waits != job["reason"]:
                self.database.execute("UPDATE jobs SET reason = ? WHERE job = ?", [waits, job["job"]])

    def waiting(self, job: sqlite3.Row, room: int) -> list[sqlite3.Row]:
        """Elements of a job that wait: all where faults.json wants some to wait, else as many as may start."""
        limit = -1 if self.said["pending"] else max(0, room) + 20
        return self.database.execute(
            "SELECT * FROM elements WHERE job = ? AND state = 'PENDING' ORDER BY not_before, idx LIMIT ?",
            [job["job"], limit],
        ).fetchall()

    def start(self, job: sqlite3.Row, row: sqlite3.Row, options: dict[str, Any]) -> None:
        key = row["job"], row["idx"]
        fate = self.fate_of(job, row)
        nodes = [name for name in self.said["nodes"] if name not in listed(options["exclude"])]
        node = nodes[numbered(self.database, "node") % len(nodes)]
        raw = numbered(self.database, "job") + 1 if job["is_array"] and not row["restarts"] else row["raw"]
        known = {"raw": raw, "node": node, "started": time.time()}
        output = named(options["output"] or f"slurm-{'%A_%a' if job['is_array'] else '%j'}.out", job, row, raw, node)
        folder = options["folder"] if Path(options["folder"]).is_dir() else "/tmp"
        output = str(Path(folder, output))
        if fate.get("state") == "LAUNCH_FAILURE" or not Path(output).parent.is_dir():
            change(self.database, *key, "FAILED", reason="JobLaunchFailure", exit="0:53", ended=time.time(), **known)
            return
        self.fates[key] = fate
        change(self.database, *key, "RUNNING", reason="None", **known)
        if fate.get("after_s") == 0:
            return
        indices = array_of(options["array"])[0]
        environment = json.loads(job["environment"]) | {
            "SLURM_CLUSTER_NAME": "fake", "SLURM_JOB_ID": str(raw), "SLURM_JOBID": str(raw),
            "SLURM_JOB_NAME": job["name"],
            "SLURM_JOB_NODELIST": node, "SLURMD_NODENAME": node, "SLURM_JOB_PARTITION": options["partition"],
            "SLURM_CPUS_ON_NODE": str(options["cores"]), "SLURM_MEM_PER_NODE": str(int(options["memory_mb"])),
            "SLURM_SUBMIT_DIR": options["folder"], "SLURM_JOB_USER": USER,
        }  # fmt: skip
        if options["cpus_per_task"]:
            environment["SLURM_CPUS_PER_TASK"] = options["cpus_per_task"]
        if job["is_array"]:
            environment |= {
                "SLURM_ARRAY_JOB_ID": str(job["job"]), "SLURM_ARRAY_TASK_ID": str(row["idx"]),
                "SLURM_ARRAY_TASK_COUNT": str(len(indices)), "SLURM_ARRAY_TASK_MIN": str(min(indices)),
                "SLURM_ARRAY_TASK_MAX": str(max(indices)),
            }  # fmt: skip
        if row["restarts"]:
            environment["SLURM_RESTART_COUNT"] = str(row["restarts"])
        try:
            command = [
                *json.loads(job["words"]),
                str(FOLDER / "scripts" / str(job["job"])),
                *options["script_arguments"],
            ]
            with Path(output).open("ab" if options["open_mode"] == "append" else "wb") as file:
                self.processes[key] = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                    env=environment, cwd=folder, start_new_session=True,
                )  # fmt: skip
        except OSError:  # no such interpreter
            change(self.database, *key, "FAILED", reason="NonZeroExitCode", exit="2:0", ended=time.time())

    def fate_of(self, job: sqlite3.Row, row: sqlite3.Row) -> dict[str, Any]:
        """What becomes of an element that starts; nothing where it is left to itself."""
        for pattern, said in self.said["elements"].items():
            if matches(pattern, job, row):
                found = next_of(self.database, f"elements {pattern}", said)
                if found:
                    return full(found if isinstance(found, dict) else {"state": found})
        return {}


def full(fate: dict[str, Any]) -> dict[str, Any]:
    at = fate["state"]
    return {"after_s": 0.2, "exit": EXITS.get(at, "0:0"), "reason": REASONS.get(at, "None")} | fate


def matches(pattern: str, job: sqlite3.Row, row: sqlite3.Row) -> bool:
    return fnmatchcase(f"{job['name']}:{row['idx']}", pattern)


def outcome(status: int) -> tuple[str, str, str]:
    """State, exit and reason of what ended by itself. Slurm says JobLaunchFailure of a script that a signal ended."""
    if status == 0:
        return "COMPLETED", "0:0", "None"
    if status < 0:
        return "FAILED", f"0:{-status}", "JobLaunchFailure"
    return "FAILED", f"{status}:0", "NonZeroExitCode"


def named(pattern: str, job: sqlite3.Row, row: sqlite3.Row, raw: int, node: str) -> str:
    """The name of an output, with %A, %a, %j, %x, %N, %u and widths (%4a) filled in."""
    values = {"A": job["job"], "a": max(row["idx"], 0), "j": raw, "x": job["name"], "N": node, "u": USER, "%": "%"}

    def value(found: re.Match[str]) -> str:
        return str(values.get(found[2], found[0])).zfill(int(found[1] or 0))

    return re.sub(r"%(\d*)([AajxNu%])", value, pattern)


def stop(process: subprocess.Popen[bytes], how: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, how)


def daemon() -> None:
    lock = (FOLDER / "daemon.lock").open("a")
    for _ in range(50):  # those that only look whether it runs hold the lock for an instant
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        time.sleep(0.02)
    else:
        return
    if not is_closed():
        Daemon().run()


COMMANDS = {
    **{"sbatch": sbatch, "squeue": squeue, "sacct": sacct, "scancel": scancel, "sinfo": sinfo, "scontrol": scontrol},
    "sacctmgr": sacctmgr,
}


def main() -> int:
    name, *words = sys.argv[1:]
    try:
        if name == "daemon":
            daemon()
        elif words in (["--version"], ["-V"]):
            say([VERSION])
        else:
            COMMANDS[name](words, of_call(name, words))
    except Refused as refused:
        sys.stderr.write(f"{refused}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
