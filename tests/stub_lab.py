"""A data root with an animal of the stages of stub_stages.py, and runs of it on a cluster."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

from lab import Lab

from brainstack.database import create_or_upgrade, open_database
from brainstack.records import Animal, Histology, ScanRun
from hpc.arrays import ArrayFolder, arrays_in

TESTS = Path(__file__).parent
WATCH = "[watch]\nlook_s = 0.1\nask_s = 0.3\ngrace_s = {grace_s}\ngather_s = 0.1\n"
ONE_EACH = "[limits]\nelement_minutes = 0.000001\n"
SECTIONS = ("slide001_S1", "slide001_S2", "slide001_S3")


class StubLab(Lab):
    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"PYTHONPATH": str(TESTS), "LUIGI_CONFIG_PATH": str(self.root / "luigi.cfg")}

    @property
    def settings(self) -> Path:
        return self.root / "cluster.toml"

    def write_settings(self, *, limits: str = "", grace_s: float = 3.0, stage: str = "memory_gb = 0.5\n") -> None:
        setup = f'[environment]\nsetup = "export PYTHONPATH={TESTS}"\n'
        self.settings.write_text(f"{limits}{WATCH.format(grace_s=grace_s)}{setup}[stages.Heavy]\n{stage}")

    def command(self, *words: str, backend: str = "slurm") -> tuple[str, ...]:
        """words : where the scheduler is, when it is not in the process itself."""
        chosen = ("--hpc-backend", backend, "--hpc-settings", str(self.settings))
        scheduler = words or ("--local-scheduler",)
        return ("luigi", "--module", "stub_stages", "Light", "--animal", "DEMO", "--workers", "1", *chosen, *scheduler)

    def make(self, *words: str, backend: str = "slurm") -> subprocess.CompletedProcess[str]:
        return self.call(*self.command(*words, backend=backend))

    def hpc(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.call("python", "-m", "hpc", *words)

    def let(self, key: str, does: str) -> None:
        (self.folder.root / "does").mkdir(exist_ok=True)
        (self.folder.root / "does" / key).write_text(does)

    def go(self) -> None:
        (self.folder.root / "go").touch()

    def count(self, what: str) -> Counter[str]:
        """what : "begun" (of Heavy only) or "ended"."""
        path = self.folder.root / what
        return Counter(path.read_text().split() if path.exists() else ())

    def heavy(self, what: str) -> dict[str, int]:
        """How often each section's heavy step has begun, or has ended."""
        return {step.removeprefix("Heavy-"): one for step, one in self.count(what).items() if step.startswith("Heavy-")}

    def arrays(self) -> list[ArrayFolder]:
        return arrays_in(self.folder.jobs / "arrays", closed=True)


def stub_lab(root: Path) -> StubLab:
    lab = StubLab(root)
    lab.folder.czi.mkdir(parents=True)
    (lab.folder.czi / "slide001.czi").touch()
    create_or_upgrade(lab.url)
    with open_database(lab.url) as database:
        database.add_animal(Animal("DEMO"), Histology("DEMO"), ScanRun("DEMO", str(lab.folder.czi), 0.325))
    lab.write_settings()
    (root / "luigi.cfg").write_text("[core]\nrpc-retry-attempts = 8\nrpc-retry-wait = 1\n")
    return lab
