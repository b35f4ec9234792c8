"""Skeletons of a layer, as the format has them and another program reads them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from cloudvolume import CloudVolume
from neuroglancer_schemas import check_by_schema

from brainstack.files.label_volume import lay_out_labels, write_labels
from tasks.labels import SKELETONS, layer_info, write_skeletons

OFFSET = (3, 5, 7)


def test_skeletons_lie_inside_their_labels_as_cloud_volume_reads_them(tmp_path: Path) -> None:
    labels = np.zeros((20, 40, 60), np.uint32)
    labels[5:12, 10:17, 4:56] = 6
    for step in range(30):  # a rod aslant
        labels[5 + step // 3 : 9 + step // 3, 22:26, 10 + step : 15 + step] = 9
    layout = lay_out_labels(
        labels.shape, is_wide=False, voxel_um=(10.4, 10.4, 20.0), voxel_offset_xyz=OFFSET, largest_plain_chunks=100,
        smallest_side_px=256, others=layer_info("a test", has_skeletons=True),
    )  # fmt: skip
    write_labels(tmp_path, layout, lambda z: labels[z])
    write_skeletons(tmp_path)

    check_by_schema(json.loads((tmp_path / "info").read_text()), "volume")
    check_by_schema(json.loads((tmp_path / SKELETONS / "info").read_text()), "skeleton")
    volume = CloudVolume(tmp_path.as_uri(), progress=False)
    for label, length in ((6, 52), (9, 35)):
        found = volume.skeleton.get(label)
        x, y, z = np.floor(found.vertices / volume.resolution - OFFSET).astype(int).T
        assert (labels[z, y, x] == label).all()
        assert np.ptp(x) > 0.6 * length
        assert len(found.edges) >= len(found.vertices) - 1
