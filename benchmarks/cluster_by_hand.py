"""The same arrays, bundles and dependencies, submitted by hand: what benchmarks/cluster.py compares with."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import astuple
from pathlib import Path

from cluster_stub import JOINS, WORK, output, steps_in_order

from brainstack.animal_folder import AnimalFolder
from brainstack.stamps import Step
from hpc.bundles import bundled

SCRIPT = """#!/bin/bash
#SBATCH --array=0-{last}%{running}
#SBATCH --output={folder}/logs/{stage}-%a.log
#SBATCH --mem={memory_mb}M
#SBATCH --time=30
{setup}
exec {python} {stub} {manifest} $SLURM_ARRAY_TASK_ID
"""


def run_by_hand(
    folder: Path, *, sections: int, tasks_per_element: int, setup: str, running: int, memory_mb: int,
    environment: Mapping[str, str],
) -> float:  # fmt: skip
    """Submit an array for each stage, each after the one before: element by element, or all of it before a join.
    Returns the seconds until the last file was there."""
    (folder / "logs").mkdir(parents=True)
    started, job = time.monotonic(), ""
    for stage in WORK:
        steps = [Step(stage, one.channel, one.item) for one in steps_in_order(sections)]
        elements = [[astuple(step) for step in tasks] for tasks in bundled(steps, tasks_per_element)]
        manifest = folder / f"{stage}.json"
        manifest.write_text(json.dumps({"folder": str(folder), "elements": elements}))
        script = SCRIPT.format(
            last=len(elements) - 1, running=running, folder=folder, stage=stage, memory_mb=memory_mb, setup=setup,
            python=sys.executable, stub=Path(__file__).with_name("cluster_stub.py"), manifest=manifest,
        )  # fmt: skip
        after = "afterok" if stage in JOINS else "aftercorr"
        words = [f"--dependency={after}:{job}"] if job else []
        done = subprocess.run(["sbatch", "--parsable", *words], input=script, text=True, capture_output=True,
                              check=True, env=environment)  # fmt: skip
        job = done.stdout.strip()
    last = [output(AnimalFolder(folder), step) for step in steps]
    while not (last[0].parent.exists() and len(list(last[0].parent.iterdir())) == len(last)):
        time.sleep(0.5)
    return time.monotonic() - started
