"""Slurm: the only file that knows it. Works with accounting and without.

Facts of Slurm 22.05 that shape it: a question for one old job fails and for two is empty, so jobs are asked for by
their user and known by their names; a controller that does not answer has perhaps taken the array; `--export` with
names, or NONE, starts the user's login shell on the node before each job, which takes seconds, so sbatch itself hears
of nothing that is secret, and hands on all that it hears.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from math import ceil, inf
from pathlib import Path

from hpc.arrays import naming
from hpc.backend import Job, QueueLimits, Refused, Submission, Unreachable
from hpc.cluster import ClusterError, Request

TIMEOUT_S = 60.0
SECRET = re.compile(r"^(BRAINSTACK|MYSQL)_|PASSW|SECRET|TOKEN|CREDENTIAL|API_KEY")
"""Names in the environment of what no node needs, and nobody there shall read."""
NO_ANSWER = ("unable to contact", "timed out", "connect failure", "connection refused", "transport endpoint",
             "zero bytes", "interrupted", "communication", "backup controller")  # fmt: skip
"""Of what Slurm's commands say when the controller did not answer, in small letters."""
FOR_NOW = ("submitjob", "temporarily", "maxjobcount", "try again")
STATES = {
    "COMPLETING": "RUNNING", "CONFIGURING": "PENDING", "SUSPENDED": "RUNNING", "STOPPED": "RUNNING",
    "RESIZING": "RUNNING", "SIGNALING": "RUNNING", "STAGE_OUT": "RUNNING", "REQUEUED": "PENDING",
    "REQUEUE_HOLD": "PENDING", "REQUEUE_FED": "PENDING", "RESV_DEL_HOLD": "PENDING", "SPECIAL_EXIT": "PENDING",
    "BOOT_FAIL": "NODE_FAIL", "DEADLINE": "TIMEOUT", "REVOKED": "CANCELLED",
}  # fmt: skip
COLUMNS = "%F|%K|%T|%r|%N|%j"


class Slurm:
    name = "slurm"

    def __init__(self) -> None:
        self._partitions: list[Partition] = []

    def check(self, requests: Iterable[tuple[str, Request]]) -> None:
        for program in ("sbatch", "squeue", "scancel", "sinfo"):
            if shutil.which(program) is None:
                raise ClusterError(
                    f"There is no {program} on this machine; wanted Slurm's commands: log in to a machine that submits "
                    "to the cluster, or set [hpc] backend = local in luigi.cfg."
                )
        try:
            self._partitions = list(parse_partitions(_ask("sinfo", "-e", "-h", "-o", "%P|%m|%c|%l|%a|%G")))
        except (Unreachable, Refused) as error:  # or it is installed, and nobody has said where its controller is
            raise ClusterError(
                f"Slurm does not answer ({error}); ask its administrators, or try again later."
            ) from None
        for stage, request in requests:
            check_request(stage, request, self._partitions)
            if request.account or request.qos:
                check_account(stage, request)

    def limits(self) -> QueueLimits:
        """As Slurm's configuration and its books have it. An index is less than MaxArraySize."""
        try:
            said = re.search(r"^MaxArraySize *= *(\d+)$", _ask("scontrol", "show", "config"), re.MULTILINE)
        except (Unreachable, Refused):
            return QueueLimits()
        return QueueLimits(array_size=int(said[1]) if said else 0, submitted=_submit_limit())

    def most(self, request: Request) -> Request:
        here = partitions_of(request, self._partitions)
        if not here:
            return replace(request, memory_gb=inf, minutes=inf)
        return replace(
            request, memory_gb=max(one.memory_gb for one in here), minutes=max(one.minutes or inf for one in here)
        )

    def submit(self, submission: Submission) -> str:
        # In a script, a path with a blank cannot be given; and % begins a pattern.
        output = f"--output={str(submission.logs).replace('%', '%%')}/%a.log"
        answer = _ask("sbatch", "--parsable", "--export=ALL", output, str(write_script(submission)))
        return answer.strip().splitlines()[-1].split(";")[0]

    def jobs(self, names: Collection[str]) -> list[Job]:
        answer = _ask("squeue", "-h", "-r", "-t", "all", "-u", str(os.getuid()), "-o", COLUMNS)
        wanted = set(names)
        return [job for job in parse_jobs(answer) if job.name in wanted]

    def ended(self, arrays: Collection[str]) -> list[Job]:
        if shutil.which("sacct") is None or not arrays:
            return []
        try:
            answer = _ask("sacct", "-n", "-P", "-X", "-j", ",".join(arrays), "-o", "JobID,State,ExitCode,NodeList")
        except (Unreachable, Refused):  # accounting is off, or does not answer: there are no books
            return []
        return [job for job in parse_books(answer) if not job.is_alive]

    def cancel(self, array: str, *, waiting_only: bool = False) -> None:
        _ask("scancel", *(["--state=PENDING"] if waiting_only else []), array)


@dataclass(frozen=True)
class Partition:
    """What the largest of its nodes has. minutes : 0 where there is no limit."""

    name: str
    is_default: bool
    is_up: bool
    memory_gb: float
    cores: int
    minutes: float
    has_gpus: bool


def partitions_of(request: Request, partitions: list[Partition]) -> list[Partition]:
    """Where it would go: a kind of node in each."""
    return [one for one in partitions if (one.name == request.partition if request.partition else one.is_default)]


def check_request(stage: str, request: Request, partitions: list[Partition]) -> None:
    """Raises ClusterError for what none of the partition's nodes could give."""
    here = partitions_of(request, partitions)
    names = ", ".join(sorted({one.name for one in partitions}))
    if not here:
        found = f"partition {request.partition!r}" if request.partition else "default partition"
        raise ClusterError(
            f"Stage {stage}: Slurm has no {found}; it has {names}; set partition in config/cluster.toml."
        )
    where, hint = here[0].name, f"change [stages.{stage}] in config/cluster.toml, or take another partition of {names}."
    if not any(one.is_up for one in here):
        raise ClusterError(f"Stage {stage}: partition {where} is down; take another one of {names}, or wait.")
    node, rule = f"no node of {where} has more than", f"{where} allows no more than"
    for asked, most, unit, said in (
        (request.memory_gb, max(one.memory_gb for one in here), "GB", node),
        (request.cores, max(one.cores for one in here), "cores", node),
        (request.minutes, max(one.minutes or float("inf") for one in here), "minutes", rule),
        (request.gpus, float("inf") if any(one.has_gpus for one in here) else 0, "GPUs", node),
    ):
        if asked > most:
            raise ClusterError(f"Stage {stage} asks for {asked:g} {unit}, and {said} {round(most, 1):g}; {hint}")


def check_account(stage: str, request: Request) -> None:
    """Raises ClusterError for an account or qos that Slurm does not know, or not of this user. What else hinders now (a
    node that is down) may not when the job is submitted."""
    try:
        _ask("sbatch", "--test-only", *options_of(request), "--wrap=true")
    except (Refused, Unreachable) as error:
        if "account" in str(error).lower() or "qos" in str(error).lower():
            raise ClusterError(
                f"Stage {stage} asks for account {request.account!r}, qos {request.qos!r}, and Slurm says: {error}; "
                f"set them right in [stages.{stage}] of config/cluster.toml."
            ) from None


def write_script(submission: Submission) -> Path:
    """Beside the array's logs."""
    script = submission.logs.parent / "job.sh"
    with naming(script):
        script.write_text(script_of(submission), encoding="utf-8")
    return script


def script_of(submission: Submission) -> str:
    """What sbatch is given."""
    cap = min(submission.running_elements, submission.elements)
    lines = [
        f"--job-name={submission.name}",
        f"--array=0-{submission.elements - 1}%{cap}",
        "--no-requeue",  # what is run again, and how, is decided by who knows why it ended
        "--open-mode=append",
        *options_of(submission.request),
    ]
    return "\n".join(
        [
            "#!/bin/bash",
            *(f"#SBATCH {line}" for line in lines),
            "export HPC_JOB=${SLURM_ARRAY_JOB_ID:-$SLURM_JOB_ID}_$SLURM_ARRAY_TASK_ID",
            *submission.setup.splitlines(),
            f"exec {submission.command} $SLURM_ARRAY_TASK_ID",
            "",
        ]
    )


def options_of(request: Request) -> Iterator[str]:
    """What is asked for, as options of sbatch and salloc."""
    yield "--nodes=1"
    yield "--ntasks=1"
    yield f"--cpus-per-task={request.cores}"
    yield f"--mem={ceil(request.memory_gb * 1024)}M"
    yield f"--time={max(1, ceil(request.minutes))}"
    for name in ("partition", "account", "qos"):
        if value := getattr(request, name):
            yield f"--{name}={shlex.quote(value)}"
    if request.gpus:
        yield f"--gres=gpu:{request.gpus}"
    if request.exclude:
        yield f"--exclude={','.join(request.exclude)}"
    yield from request.options


def parse_partitions(answer: str) -> Iterator[Partition]:
    """A line for each kind of node of each partition, as sinfo -e tells them: without it, one line speaks of several,
    by the smallest."""
    for line in answer.splitlines():
        name, memory, cores, limit, state, gres = line.split("|")
        yield Partition(
            name=name.rstrip("*"),
            is_default=name.endswith("*"),
            is_up=state == "up",
            memory_gb=int(memory.rstrip("+")) / 1024,
            cores=int(cores.rstrip("+")),
            minutes=minutes_of(limit),
            has_gpus="gpu" in gres,
        )


def minutes_of(limit: str) -> float:
    """Of Slurm's [days-]hours:minutes:seconds; 0 where there is no limit."""
    if not limit[0].isdigit():
        return 0.0
    days, _, rest = limit.rpartition("-")
    parts = [int(one) for one in rest.split(":")]
    hours, minutes, seconds = [0] * (3 - len(parts)) + parts
    return int(days or 0) * 1440 + hours * 60 + minutes + seconds / 60


def parse_jobs(answer: str) -> Iterator[Job]:
    """squeue's lines, whole ones. A reason may hold blanks and commas, and a name anything."""
    for array, index, state, reason, node, name in _rows(answer, 6):
        if index.isdigit():
            yield Job(array, int(index), name, STATES.get(state, state), "" if reason == "None" else reason, node)


def parse_books(answer: str) -> Iterator[Job]:
    """sacct's lines."""
    for job, state, _, node in _rows(answer, 4):
        array, _, index = job.partition("_")
        if index.isdigit():
            word = state.split()[0]  # "CANCELLED by 1000"
            yield Job(array, int(index), "", STATES.get(word, word), node=node)


def _rows(answer: str, columns: int) -> Iterator[list[str]]:
    """Lines as columns; one that was cut short is passed over."""
    rows = (line.split("|", columns - 1) for line in answer.splitlines())
    return (row for row in rows if len(row) == columns)


def _submit_limit() -> int:
    """As the books have it; 0 where there are none."""
    if shutil.which("sacctmgr") is None:
        return 0
    try:
        answer = _ask("sacctmgr", "-n", "-P", "show", "assoc", f"user={_user()}", "format=account,qos,maxsubmit")
    except (Unreachable, Refused):
        return 0
    return min((int(limit) for _, _, limit in _rows(answer, 3) if limit.isdigit()), default=0)


def _user() -> str:
    return os.environ.get("USER") or str(os.getuid())


def _ask(*command: str) -> str:
    """What a command of Slurm's answered. Raises Unreachable or Refused."""
    try:
        # A session of its own, and never killed by a Ctrl-C here: that must not cut a submission in two.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                                   text=True, start_new_session=True, env=environment())  # fmt: skip
        out, said = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Unreachable(f"{command[0]} gave no answer for {TIMEOUT_S:.0f} s") from None
    except OSError as error:
        raise Unreachable(f"{command[0]}: {error.strerror}") from None
    if process.returncode:
        raise meaning(process.returncode, said)
    if command[0] == "sbatch" and not out.strip():
        raise Unreachable("sbatch said nothing")
    return out


def environment() -> dict[str, str]:
    """What Slurm's commands hear of the environment, and hand on to jobs."""
    return {name: value for name, value in os.environ.items() if not SECRET.search(name)}


def meaning(status: int, said: str) -> Unreachable | Refused:
    """Of what a command of Slurm's said that failed."""
    words = " ".join(said.split()) or f"exit status {status}"
    if status < 0 or any(one in words.lower() for one in NO_ANSWER):
        return Unreachable(words)
    return Refused(words, for_now=any(one in words.lower() for one in FOR_NOW))


QUEUE = Slurm
