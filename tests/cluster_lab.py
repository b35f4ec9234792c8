"""A data root whose heavy stages are made by batch jobs, for tests of whole runs."""

from __future__ import annotations

from pathlib import Path

from killing import begun, said_in
from lab import Lab, copy_of

from brainstack.stamps import Step
from hpc.arrays import ArrayFolder, arrays_in, read_manifest
from tasks.cluster import step_of

SETTINGS = """
[limits]
element_minutes = 2
[watch]
look_s = 0.2
ask_s = 0.5
grace_s = 20
gather_s = 0.5
[defaults]
memory_gb = 1
seconds = 20
"""


class ClusterLab(Lab):
    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"LUIGI_CONFIG_PATH": str(self.root / "luigi.cfg")}

    def command(self, *scheduler: str, task: str = "Animal") -> tuple[str, ...]:
        settings = str(self.root / "cluster.toml")
        words = (task, "--animal", "DEMO", "--hpc-backend", "slurm", "--hpc-settings", settings, "--workers", "2")
        return ("luigi", "--module", "tasks", *words, *(scheduler or ("--local-scheduler",)))

    def arrays(self) -> list[ArrayFolder]:
        return arrays_in(self.folder.jobs / "arrays", closed=True)

    def steps(self, array: ArrayFolder) -> list[list[Step]]:
        return [[step_of(spec) for spec in tasks] for tasks in read_manifest(array.manifest).elements]

    def is_at_work(self, stage: str) -> bool:
        """Whether a job has begun a step of a stage."""
        return stage in begun(path for path in said_in(self) if path.stem.endswith(tuple("0123456789")))


def cluster_lab(lab: Lab, path: Path, *stages: str) -> ClusterLab:
    """stages : that the cluster makes."""
    new = ClusterLab(copy_of(lab, path).root)
    (new.root / "cluster.toml").write_text(SETTINGS + "".join(f"[stages.{stage}]\n" for stage in stages))
    (new.root / "luigi.cfg").write_text("[core]\nrpc-retry-attempts = 3\nrpc-retry-wait = 1\n")
    return new
