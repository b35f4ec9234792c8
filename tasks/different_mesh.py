"""DifferentMesh: a layer of labels meshed otherwise, to compare."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import luigi
import numpy as np

from brainstack.errors import BrainstackError
from brainstack.files.label_volume import LabelReader
from brainstack.files.meshes import read_mesh, read_mesh_labels
from brainstack.files.segment_properties import FOLDER
from brainstack.files.whole import whole_folder, write_json
from brainstack.images.mesh_distances import Distance, distance
from brainstack.labels import SHELL
from brainstack.mesh_costs import OWN, MeshCost, read_costs, table, variant_name, write_table
from brainstack.plan import Plan
from brainstack.run_log import line_of
from brainstack.stages import mesh_parts
from brainstack.stamps import Step
from tasks.base import AnimalTask
from tasks.labels import MESHES, meshes_of, write_meshes

log = logging.getLogger("brainstack")


class DifferentMesh(AnimalTask):
    """Meshes a layer of labels again, of another level or with another error, beside the meshes that it has, and says
    what each choice costs."""

    layer = luigi.Parameter(default=SHELL, description="name of the layer, such as nuclei")
    mip = luigi.IntParameter(default=0, description="level of the volume that is meshed; 0 is the finest")
    error_um = luigi.FloatParameter(
        default=10.0,
        description="triangles are made fewer as long as the surface moves by about this; 0 for all of them",
    )

    @property
    def step(self) -> Step:
        return Step(self.task_family, 0, f"{self.layer}:{self.mip}:{self.error_um:g}")

    @classmethod
    def parameters_of(cls, step: Step) -> dict[str, Any]:
        return dict(zip(("layer", "mip", "error_um"), mesh_parts(step.item), strict=True))

    def check(self) -> None:
        known = [SHELL, *self.plan.labels]
        if self.layer not in known:
            raise BrainstackError(f"{self.animal} has no layer {self.layer!r} of labels; wanted {', '.join(known)}.")
        if self.mip < 0 or not 0 <= self.error_um < np.inf:
            raise BrainstackError(f"--mip {self.mip} --error-um {self.error_um:g}: wanted 0 or more, both.")

    def announcement(self) -> str:
        return f"What it costs, once it is made: brainstack labels costs {self.animal} {self.layer}"

    def make(self, plan: Plan, step: Step) -> None:
        layer, mip, error_um = mesh_parts(step.item)
        folder, volume, variant = plan.folder, plan.folder.label_volume(layer), variant_name(mip, error_um)
        other = folder.other_mesh(layer, variant)

        with whole_folder(other) as part, LabelReader(volume, mip) as reader:
            made = write_meshes(meshes_of(reader, error_um), plan.settings.meshes, part,
                                segment_properties=f"../{volume.name}/{FOLDER}")  # fmt: skip
            if not made.labels:
                raise BrainstackError(
                    f"Nothing is left of {layer} at level {mip}; choose a finer one, a smaller --mip."
                )

        own_um = plan.settings.shell.error_um if layer == SHELL else plan.settings.meshes.error_um
        own_seconds = folder.mesh_seconds(layer)
        nothing = MeshCost("", 0, 0.0, 0, 0, None, 0.0, 0.0, 0.0)
        costs = _costs(
            volume,
            {
                volume / MESHES: replace(
                    nothing, variant=OWN, error_um=own_um,
                    seconds=json.loads(own_seconds.read_text()) if own_seconds.exists() else None,
                ),
                other: replace(nothing, variant=variant, mip=mip, error_um=error_um, seconds=made.seconds),
            },
        )  # fmt: skip
        for cost in costs:
            write_json(folder.mesh_cost(layer, cost.variant), cost.to_json())
        every = read_costs(folder.mesh_costs(layer))
        write_table(folder.mesh_table(layer), every)
        log.info("%s", line_of(plan, step, f"what meshes of {layer} cost\n{table(every)}"))


def _costs(volume: Path, known: Mapping[Path, MeshCost]) -> list[MeshCost]:
    """What meshes in some folders cost, by what is known of each: with their triangles, bytes, and how far they are
    from the full surface of their labels."""
    found: dict[Path, list[Distance]] = {folder: [] for folder in known}
    triangles = dict.fromkeys(known, 0)
    labels = {folder: set(read_mesh_labels(folder)) for folder in known}
    with LabelReader(volume) as reader:
        for label, full in meshes_of(reader, 0):
            for folder in known:
                if label in labels[folder]:  # a small one may be gone at a coarse level
                    mesh = read_mesh(folder, label)
                    triangles[folder] += len(mesh.faces)
                    found[folder].append(distance(full, mesh))
    return [
        replace(
            cost,
            triangles=triangles[folder],
            bytes=sum(path.stat().st_size for path in folder.iterdir()),
            mean_um=float(np.mean([one.mean_um for one in found[folder]])),
            most_um=max(one.most_um for one in found[folder]),
            largest_um=max(one.largest_um for one in found[folder]),
        )
        for folder, cost in known.items()
    ]
