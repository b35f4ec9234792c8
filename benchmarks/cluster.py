"""What it costs to have a cluster make the heavy stages, on a real Slurm of this machine (tests/slurm_cluster.py).

    python benchmarks/cluster.py work --seconds 1 --minutes 1     # beside the same arrays submitted by hand
    python benchmarks/cluster.py work --seconds 0                 # no work: what a stage costs
    python benchmarks/cluster.py waiting                          # 10, 1,000, 10,000 jobs that wait: memory, squeue
    python benchmarks/cluster.py kills                            # an animal at full resolution, and kills

Work: 440 sections x 3 channels x 12 stages (cluster_stub.py) through luigid and the slurm backend. Its steps sleep, so
that many elements fit on two cores; the start of Python in each, which costs processor time, is the same in both ways.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path[:0] = [str(CHECKOUT / "tests"), str(CHECKOUT)]

from cluster_by_hand import run_by_hand  # noqa: E402
from cluster_kills import run_with_kills  # noqa: E402
from cluster_stub import ANIMAL, WORK  # noqa: E402
from scheduling import Luigid, add  # noqa: E402
from slurm_cluster import SlurmCluster  # noqa: E402

from brainstack.animal_folder import AnimalFolder  # noqa: E402
from hpc.arrays import arrays_in, read_end, read_manifest  # noqa: E402
from hpc.bundles import tasks_of_element  # noqa: E402
from hpc.cluster import Limits  # noqa: E402

BIN = Path(sys.executable).parent
STUBS = f"{CHECKOUT / 'benchmarks'}:{CHECKOUT / 'tests'}"
"""Where the stub is, and what it imports."""
NODES, CPUS = 2, 32
MEMORY_MB = 100
WATCHED_S = 130.0
"""How long squeue is counted."""


@dataclass(frozen=True)
class Bench:
    """A data root with an animal of slides without pixels, and a Slurm. counts : a line for each call of a command."""

    root: Path
    sections: int
    environment: Mapping[str, str]
    settings: Path

    @property
    def counts(self) -> Path:
        return self.root / "counts"

    @property
    def arrays(self) -> Path:
        return AnimalFolder(self.root / ANIMAL).jobs / "arrays"

    def command(self, *words: str) -> list[str]:
        return [str(BIN / "luigi"), "--module", "cluster_stub", *words, "--animal", ANIMAL]

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        chosen = ("--hpc-backend", "slurm", "--hpc-settings", str(self.settings))
        log = (self.root / "luigi.txt").open("ab")
        return subprocess.Popen(
            self.command(*words, *chosen), env=self.environment, cwd=CHECKOUT, stdout=log, stderr=log
        )

    def calls(self, program: str) -> list[float]:
        path = self.counts / program
        return [float(line) for line in path.read_text().split()] if path.exists() else []


@contextmanager
def bench(sections: int, seconds: float, limits: Limits, *, asked_s: float) -> Iterator[Bench]:
    """limits : of cluster.toml. seconds : that a step sleeps. asked_s : that cluster.toml says it takes."""
    with tempfile.TemporaryDirectory(prefix="cluster-") as name:
        root = Path(name)
        settings = root / "cluster.toml"
        settings.write_text(
            f"[limits]\nelement_minutes = {limits.element_minutes}\nrunning_elements = {limits.running_elements}\n"
            f'[environment]\nsetup = "{setup_of(seconds)}"\n[defaults]\n'
            f"memory_gb = {MEMORY_MB / 1024}\nseconds = {asked_s}\n" + "".join(f"[stages.{stage}]\n" for stage in WORK)
        )
        os.environ["BRAINSTACK_DATA_ROOT"] = str(root)
        add(sections)
        with SlurmCluster(
            nodes=NODES, cpus=CPUS, memory_mb=CPUS * MEMORY_MB * 2, max_job_count=30_000, slurmd_timeout_s=600
        ) as slurm:
            environment = {
                **os.environ, **slurm.environment,
                "BRAINSTACK_DATA_ROOT": str(root),
                "PYTHONPATH": STUBS,
                "CLUSTER_STUB_SECONDS": str(seconds),
                "PATH": f"{counting(root / 'counts')}:{os.environ['PATH']}",
            }  # fmt: skip
            made = Bench(root, sections, environment, settings)
            subprocess.run(made.command("Meta", "--local-scheduler"), env=environment, cwd=CHECKOUT, check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
            yield made


def counting(folder: Path) -> Path:
    """Commands that note when they were called, and go on as Slurm's own."""
    folder.mkdir()
    for name in ("sbatch", "squeue"):
        script = folder / "bin" / name
        script.parent.mkdir(exist_ok=True)
        script.write_text(f'#!/bin/sh\ndate +%s.%N >>{folder / name}\nexec {shutil.which(name)} "$@"\n')
        script.chmod(0o755)
    return folder / "bin"


def compare_work(sections: int, seconds: float, minutes: float, *, together: bool) -> None:
    """together : both ways at the same time, so that what else the machine does is the same for both."""
    limits = Limits(running_elements=200, element_minutes=minutes)
    asked_s = seconds or 0.3
    size = tasks_of_element(sections * 3, asked_s, limits)
    with bench(sections, seconds, limits, asked_s=asked_s) as one, ThreadPoolExecutor() as pool:
        say(f"{sections} sections x 3 channels x {len(WORK)} stages, {seconds:g} s a step, {size} steps an element")
        by_hand = pool.submit(
            run_by_hand, one.root / "HAND", sections=sections, tasks_per_element=size, setup=setup_of(seconds),
            running=limits.running_elements, memory_mb=MEMORY_MB,
            environment=one.environment | {"PATH": os.environ["PATH"]},
        )  # fmt: skip
        if not together:
            by_hand.result()
        with Luigid(one.root, wanted=True) as scheduler:
            started, clock = time.time(), time.monotonic()
            process = one.start(WORK[-1], "--workers", "2", *scheduler)
            _, status, used = os.wait4(process.pid, 0)
            through = time.monotonic() - clock
        if status:
            raise SystemExit((one.root / "luigi.txt").read_text()[-3000:])
        say(f"by hand: {by_hand.result():.1f} s")
        say(f"through luigid and the slurm backend: {through:.1f} s, {through / by_hand.result():.2f} times as long")
        say(f"the luigi process: {used.ru_utime + used.ru_stime:.0f} core-s, {used.ru_maxrss / 1024:.0f} MB")
        show_stages(one, started, through)
        if destination := os.environ.get("CLUSTER_KEEP"):
            shutil.copytree(one.root, destination, symlinks=True)


def setup_of(seconds: float) -> str:
    return f"export PYTHONPATH={STUBS} CLUSTER_STUB_SECONDS={seconds}"


def show_stages(one: Bench, started: float, through: float) -> None:
    """When each stage was first submitted, and how many arrays and elements it was; what a stage took beside what its
    longest element says that it took."""
    by_stage: dict[str, list[tuple[float, int]]] = {}
    longest: dict[str, float] = {}
    for array in arrays_in(one.arrays, closed=True):
        manifest = read_manifest(array.manifest)
        made_at = datetime.fromisoformat(manifest.made_at).timestamp() - started
        by_stage.setdefault(manifest.stage, []).append((made_at, len(manifest.elements)))
        ends = [read_end(array, index) for index in array.ended_elements()]
        longest[manifest.stage] = max([longest.get(manifest.stage, 0.0), *(end.seconds for end in ends if end)])
    calls, asked = len(one.calls("sbatch")), one.calls("squeue")
    first = min(made_at for rows in by_stage.values() for made_at, _ in rows)
    each = (through - first) / len(WORK)
    say(f"first job submitted after {first:.1f} s")
    say(f"then {each:.1f} s a stage; {each - sum(longest.values()) / len(WORK):.1f} s more than its longest element")
    say(f"{calls} calls of sbatch; {len(asked)} of squeue, {a_minute(asked):.1f} a minute")
    for stage, rows in by_stage.items():
        say(f"  {stage}: at {rows[0][0]:.1f} s, {len(rows)} arrays of {[count for _, count in rows]} elements")


def watch_waiting(counts: list[int]) -> None:
    """So many jobs of one task each, none of which begins: the memory of who waits for them, and calls of squeue."""
    for count in counts:
        sections = -(-count // (3 * 4)) * 4  # of four scenes a slide
        with bench(sections, 0, Limits(element_minutes=0.001), asked_s=60) as one:
            for number in range(1, NODES + 1):
                subprocess.run(["scontrol", "update", f"NodeName=sn{number}", "State=DRAIN", "Reason=benchmark"],
                               env=one.environment, check=True)  # fmt: skip
            with Luigid(one.root, wanted=True) as scheduler:
                clock = time.monotonic()
                process = one.start(WORK[0], "--workers", "2", *scheduler)
                while submitted(one) < sections * 3:
                    time.sleep(0.5)
                    if process.poll() is not None:
                        raise SystemExit((one.root / "luigi.txt").read_text()[-3000:])
                ready = time.monotonic() - clock
                begun = time.time()
                time.sleep(WATCHED_S)
                calls = [at for at in one.calls("squeue") if at >= begun]
                say(
                    f"{sections * 3} jobs wait, submitted {ready:.0f} s after the start by "
                    f"{len(one.calls('sbatch'))} calls of sbatch: {a_minute(calls):.1f} calls of squeue a "
                    f"minute; the luigi process has {memory_mb(process.pid, 'VmRSS')} MB, and had "
                    f"{memory_mb(process.pid, 'VmHWM')} MB at most"
                )
                process.kill()
                process.wait()


def a_minute(calls: list[float]) -> float:
    """From the first to the last."""
    return (len(calls) - 1) / (calls[-1] - calls[0]) * 60 if len(calls) > 1 else 0.0


def submitted(one: Bench) -> int:
    return sum(len(read_manifest(array.manifest).elements) for array in arrays_in(one.arrays) if array.job.exists())


def memory_mb(process: int, what: str) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(what))


def prefer(priority: int) -> None:
    """Of this session beside others, as `nice` counts: of luigi and luigid, which in a lab are on another machine than
    the jobs. Jobs are sessions of their own."""
    groups = Path("/proc/self/autogroup")
    if priority and groups.exists():
        groups.write_text(str(priority))


def say(sentence: str) -> None:
    print(f"{datetime.now():%H:%M:%S} (load {os.getloadavg()[0]:.1f}) {sentence}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("work", "waiting", "kills"))
    parser.add_argument("--sections", type=int, default=440)
    parser.add_argument("--seconds", type=float, default=1.0, help="that a step sleeps")
    parser.add_argument("--minutes", type=float, default=1.0, help="that an element lasts")
    parser.add_argument("--jobs", type=int, nargs="+", default=[10, 1000, 10_000], help="that wait")
    parser.add_argument("--together", action="store_true", help="both ways at the same time")
    parser.add_argument("--priority", type=int, default=0, help="of luigi and luigid beside the jobs, such as -10")
    options = parser.parse_args()
    prefer(options.priority)
    if options.what == "work":
        compare_work(options.sections, options.seconds, options.minutes, together=options.together)
    elif options.what == "waiting":
        watch_waiting(options.jobs)
    else:
        run_with_kills(say)


if __name__ == "__main__":
    main()
