"""An sbatch in front of the true one, which kills its caller: for tests of who is killed while it submits."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest


class KillingSbatch:
    """instants : of the first calls, "before" or "after" Slurm has heard of it; later ones go through."""

    def __init__(self, folder: Path, instants: list[str], patch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        self._calls = folder / "calls"
        for instant in instants:
            with (folder / "left").open("a") as file:
                file.write(f"{instant}\n")
        script = (
            f"#!/bin/sh\nleft={folder}/left\ninstant=$(head -n 1 $left)\nsed -i 1d $left\n"
            '[ "$instant" = before ] && { kill -9 $PPID; exit 1; }\n'
            f'echo >>{self._calls}\n{shutil.which("sbatch")} "$@"\n'
            '[ "$instant" = after ] && kill -9 $PPID\n'
        )
        (folder / "sbatch").write_text(script + ":\n")
        (folder / "sbatch").chmod(0o755)
        patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    @property
    def calls(self) -> int:
        """That Slurm heard of."""
        return len(self._calls.read_text()) if self._calls.exists() else 0
