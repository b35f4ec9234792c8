"""An animal at full resolution on a Slurm of two nodes, while luigi, a node and luigid are killed: does the same come
out as of an undisturbed run on this machine, and was anything made twice?"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import BIN, CHECKOUT, SIZE, Lab, copy_of
from slurm_cluster import SlurmCluster

from hpc.arrays import arrays_in, read_manifest

SETTINGS = """
[neuroglancer]
chunk_size = [32, 32, 4]
block_px = 256
group_px = 256

[downsampling]
smallest_side_px = 40
"""
"""Small enough that sections of 600 x 400 pixels make several slabs, groups of blocks, and levels."""
PATIENCE_S = 1800.0
NODE = "sn1"


def run_with_kills(say: Callable[[str], None]) -> None:
    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        scanned = Lab(Path(name) / "scanned")
        made = scanned.brainstack("demo", *SIZE)
        assert made.returncode == 0, made.stderr
        with scanned.folder.settings.open("a") as file:
            file.write(SETTINGS)
        here, there = copy_of(scanned, Path(name) / "here"), copy_of(scanned, Path(name) / "there")
        started = time.monotonic()
        local = here.luigi("Animal", "--resolution", "full", "--workers", "2")
        assert local.returncode == 0, local.stderr
        say(f"undisturbed, on this machine: {time.monotonic() - started:.0f} s, {len(here.ran())} steps")
        with SlurmCluster(nodes=2, cpus=4, slurmd_timeout_s=10) as slurm:
            os.environ |= slurm.environment
            disturb(there, slurm, shorter_elements(Path(name)), say)
        compare(here, there, say)


def shorter_elements(folder: Path) -> Path:
    """The shipped settings, with elements of some tasks: a made-up animal would be one element a stage."""
    shipped = (CHECKOUT / "config" / "cluster.toml").read_text()
    path = folder / "cluster.toml"
    path.write_text(shipped.replace("element_minutes = 8 ", "element_minutes = 0.2 "))
    assert path.read_text() != shipped
    return path


def disturb(lab: Lab, slurm: SlurmCluster, settings: Path, say: Callable[[str], None]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ("luigi", "--module", "tasks", "Animal", "--animal", "DEMO", "--resolution", "full", "--workers", "2",
             "--hpc-backend", "slurm", "--hpc-settings", str(settings),
             "--scheduler-host", "127.0.0.1", "--scheduler-port", str(port))  # fmt: skip
    started = time.monotonic()
    with luigid(lab, port) as server:
        run = lab.start(*words)
        where = wait_for_an_element(lab, ("Elastix",), run)
        os.killpg(run.pid, signal.SIGKILL)
        say(f"kill -9 of luigi, {where}")
        run = lab.start(*words)
        where = wait_for_an_element(lab, ("FullImage",), run)
        slurm.kill_node(NODE)
        say(f"kill -9 of a slurmd and all its jobs, {where}")
        time.sleep(20)  # until Slurm knows
        slurm.start_node(NODE)
        where = wait_for_an_element(lab, ("FullShards", "FullDownsampling"), run)
        server.kill()
        say(f"kill -9 of luigid, {where}")
        out, error = run.communicate(timeout=PATIENCE_S)
        said = (error.strip() or out.strip()).splitlines()
        say(f"luigi ended with {run.returncode}: {said[-1] if said else ''}")
    with luigid(lab, port):
        run = lab.start(*words)
        out, error = run.communicate(timeout=PATIENCE_S)
        say(f"the last run ended with {run.returncode}, {time.monotonic() - started:.0f} s after the first began")
        assert run.returncode == 0, (out + error)[-3000:]


def wait_for_an_element(lab: Lab, stages: tuple[str, ...], run: subprocess.Popen[str]) -> str:
    """Until an element of one of the stages has begun and not ended. Returns which."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        for array in arrays_in(lab.folder.jobs / "arrays"):
            begun = array.claimed_elements() - array.ended_elements() - array.revoked_elements()
            stage = read_manifest(array.manifest).stage
            if begun and stage in stages:
                return f"while {len(begun)} elements of {stage} ran"
        if run.poll() is not None:
            raise SystemExit(f"luigi ended with {run.returncode}: {run.communicate()}")
        time.sleep(0.05)
    raise SystemExit(f"no element of {', '.join(stages)} began")


def compare(here: Lab, there: Lab, say: Callable[[str], None]) -> None:
    wanted, found = here.bytes(), there.bytes()
    found = {name: content for name, content in found.items() if not name.startswith(".brainstack/jobs/")}
    other = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
    say(f"{len(wanted)} files of the undisturbed run; {len(other)} are other, missing or too many {other[:5]}")
    ended = Counter((one.stage, one.channel, one.item) for one in there.ran() if not one.error)
    again = [step for step, count in ended.items() if count > 1]
    say(f"{len(ended)} steps ran to their end; {len(again)} of them twice {again[:5]}")


@contextmanager
def luigid(lab: Lab, port: int) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(BIN / "luigid"), "--address", "127.0.0.1", "--port", str(port), "--logdir", str(lab.root),
               "--state-path", str(lab.root / "luigid-state")]  # fmt: skip
    server = subprocess.Popen(command, cwd=lab.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield server
    finally:
        server.kill()
        server.wait()
