"""python -m hpc plan | status | logs | attach | cancel | report"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hpc.arrays import ArrayFolder, arrays_in, read_end, read_jobs, read_manifest
from hpc.backend import Job, Refused, Unreachable
from hpc.bundles import packed, seconds_of
from hpc.cluster import ClusterError
from hpc.history import History
from hpc.report import as_text, counted, report, table

MODULE = "tasks.cluster_commands"
"""Whose jobs they are: it knows animals, and where their arrays are."""
RECENT = 8
"""Settled arrays that the status shows."""
LAST_LINES = 200


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m hpc", description="Heavy stages on a cluster.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    plan = commands.add_parser("plan", help="what would be submitted, such as: plan Animal --animal DK39; nothing is")
    plan.add_argument("words", nargs=argparse.REMAINDER, metavar="TASK ...", help="a task, as luigi is given it")
    plan.set_defaults(run=_plan)
    for name, run, words_of in (
        ("status", _status, "what waits, runs, and has ended"),
        ("logs", _logs, "the log of a task, such as: logs --animal DK39 Elastix slide001_S2"),
        ("attach", _attach, "go on with what was submitted, by the same command as before"),
        ("cancel", _cancel, "end all jobs; what is finished stays"),
        ("report", _report, "what stages asked for and used, and what they should ask for"),
    ):
        one = commands.add_parser(name, help=words_of)
        one.set_defaults(run=run)
        one.add_argument("--animal", default="", help="such as DK39; all of them when left out")
        if name == "logs":
            one.add_argument("words", nargs="*", metavar="WORD", help="of the task: its stage, its section")
    given = parser.parse_args(words)
    client = importlib.import_module(MODULE)
    try:
        for line in given.run(client, given):
            sys.stdout.write(line + "\n")
    except (ClusterError, client.Error) as error:
        sys.stderr.write(f"hpc: {error}\n")
        return 1
    return 0


def _animals(client: Any, given: argparse.Namespace) -> dict[str, Path]:
    """Animals that have jobs, or the one that was named: where their arrays are."""
    known = client.animals_with_jobs()
    if not known or (given.animal and given.animal not in known):
        others = f"; there are some of {', '.join(known)}" if known else ""
        raise ClusterError(f"There are no jobs of {given.animal or 'any animal'}{others}.")
    return {name: path for name, path in known.items() if given.animal in ("", name)}


def _plan(client: Any, given: argparse.Namespace) -> Iterator[str]:
    cluster = client.cluster_settings()
    animal, tasks, later = client.tasks_to_make(given.words)
    history = History(client.jobs_folder(animal) / "history.jsonl").seconds()
    rows = [["stage", "tasks", "arrays", "jobs", "cores", "GB", "minutes", "core-hours"]]
    hours = 0.0
    for stage, request in cluster.stages.items():
        count = tasks.get(stage, 0)
        if not count:
            continue
        seconds = seconds_of(stage, history, request)
        packs, asked = packed(range(count), request, seconds, cluster.limits)
        elements = len(packs)
        arrays = math.ceil(elements / (cluster.limits.array_size or 1000))
        stage_hours = count * seconds * request.cores / 3600
        hours += stage_hours
        rows.append([stage, str(count), str(arrays), str(elements), str(request.cores), f"{request.memory_gb:g}",
                     f"{asked.minutes:.0f}", f"{stage_hours:.1f}"])  # fmt: skip
    if len(rows) == 1:
        yield f"{animal}: no task of a heavy stage has to be made."
    else:
        yield table(rows)
        yield f"{hours:.1f} core-hours. Nothing was submitted."
    if later:
        yield later


def _status(client: Any, given: argparse.Namespace) -> Iterator[str]:
    for animal, folder in _animals(client, given).items():
        try:
            queue = _by_name(client, animal, arrays_in(folder))
        except (Unreachable, Refused) as error:
            yield f"The queue does not answer ({error}); of what waits and runs nothing is known."
            queue = {}
        arrays = arrays_in(folder, closed=True)
        shown = [one for one in arrays if not one.closed.exists()]
        shown = [*[one for one in arrays if one.closed.exists()][-RECENT:], *shown]
        driver = client.driver_of(animal)
        yield f"{animal}: {f'driven by {driver}' if driver else 'nobody drives it now'}"
        if shown:
            yield table(
                [
                    ["  array", "job", "jobs", "made", "failed", "running", "waiting"],
                    *(_row(one, queue) for one in shown),
                ]
            )
        for array in shown:
            yield from _failures(array)


def _by_name(client: Any, animal: str, arrays: list[ArrayFolder]) -> dict[str, list[Job]]:
    names = {client.job_name(animal, one): one for one in arrays}
    found: dict[str, list[Job]] = {}
    for job in client.backend_of(animal).jobs(list(names)) if names else []:
        found.setdefault(names[job.name].name, []).append(job)
    return found


def _row(array: ArrayFolder, queue: dict[str, list[Job]]) -> list[str]:
    manifest = read_manifest(array.manifest)
    ends = [read_end(array, index) for index in array.ended_elements() - array.revoked_elements()]
    failed = sum(bool(end and (end.error or any(one.error for one in end.tasks))) for end in ends)
    states = Counter(job.state for job in queue.get(array.name, []) if job.is_alive)
    reasons = sorted({job.reason for job in queue.get(array.name, []) if job.state == "PENDING" and job.reason})
    waiting = str(states["PENDING"]) + (f" ({', '.join(reasons)})" if reasons else "")
    time = f"{array.name[:4]}-{array.name[4:6]}-{array.name[6:8]} {array.name[9:11]}:{array.name[11:13]}"
    return [
        f"  {time} {manifest.stage}", ",".join(read_jobs(array)) or "-", str(len(manifest.elements)),
        str(len(ends) - failed), str(failed + len(array.revoked_elements())), str(states["RUNNING"]), waiting,
    ]  # fmt: skip


def _failures(array: ArrayFolder) -> Iterator[str]:
    manifest = read_manifest(array.manifest)
    names = {spec.key: str(spec) for tasks in manifest.elements for spec in tasks}
    for index in sorted(array.ended_elements()):
        end = read_end(array, index)
        for key, error in [(one.key, one.error) for one in end.tasks if one.error] if end else ():
            yield f"  {names.get(key, key)}: {error} See {array.log(index)}"
        if end and end.error:
            yield f"  {manifest.stage}, job {index}: {end.error}. See {array.log(index)}"
    for index in sorted(array.revoked_elements()):
        cause = json.loads(array.revoked(index).read_text())["cause"]
        yield f"  {manifest.stage}, job {index}: {cause}. See {array.log(index)}"


def _logs(client: Any, given: argparse.Namespace) -> Iterator[str]:
    """The newest log of a task in whose name all the words are."""
    for folder in _animals(client, given).values():
        for array in reversed(arrays_in(folder, closed=True)):
            for index, tasks in enumerate(read_manifest(array.manifest).elements):
                if any(all(word in str(spec).split() for word in given.words) for spec in tasks):
                    yield f"{array.log(index)}"
                    if not array.log(index).exists():
                        yield "(there is none: it has not begun, or the node does not see this folder)"
                        return
                    yield from array.log(index).read_text(errors="replace").splitlines()[-LAST_LINES:]
                    return
    raise ClusterError(f"No job has a task of the name {' '.join(given.words)!r}; see `python -m hpc status`.")


def _attach(client: Any, given: argparse.Namespace) -> Iterator[str]:
    waiting = [animal for animal, folder in _animals(client, given).items() if arrays_in(folder)]
    driven = {animal: driver for animal in waiting if (driver := client.driver_of(animal))}
    said_of_driven = [
        f"{animal} is being driven by {driver}; watch it there, or with `python -m hpc status`."
        for animal, driver in driven.items()
    ]
    alone = [animal for animal in waiting if animal not in driven]
    if not alone:
        raise ClusterError(" ".join(said_of_driven) or "No jobs are left to go on with.")
    yield from said_of_driven
    for other in alone[1:]:
        yield f"{other} has jobs that nobody drives as well: attach --animal {other}"
    for animal in alone:
        said = json.loads(client.command_file(animal).read_text())
        yield f"{animal}: {' '.join(said['words'])}"
        sys.stdout.flush()
        os.chdir(said["folder"])
        os.execve(said["words"][0], said["words"], os.environ | said["environment"])


def _cancel(client: Any, given: argparse.Namespace) -> Iterator[str]:
    failed, animals = [], _animals(client, given)
    left = {animal for animal, folder in animals.items() if given.animal or arrays_in(folder)}
    if not left:
        yield "No jobs are left."
    for animal in sorted(left):
        try:
            client.stop_driver(animal)
            fleet = client.fleet_to_cancel(animal)
            fleet.adopt()
            yield f"{animal}: {counted(fleet.cancel(), 'job')} cancelled; what is finished stays."
            if fleet.arrays:
                failed.append(f"{animal}: {fleet.trouble}; type the same again when the queue answers.")
        except (ClusterError, client.Error) as error:
            failed.append(str(error))
    if failed:
        raise ClusterError(" ".join(failed))


def _report(client: Any, given: argparse.Namespace) -> Iterator[str]:
    stages = dict(client.cluster_settings().stages)
    for animal, folder in _animals(client, given).items():
        rows = report(History(folder.parent / "history.jsonl").all(), stages)
        yield f"{animal}:"
        yield as_text(rows) if rows else "  no job has ended yet"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
