from __future__ import annotations

from pathlib import Path

import pytest

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.layer_names import LABELS, POINTS, check_layer_name, check_name
from brainstack.mesh_costs import variant_name

KINDS = pytest.mark.parametrize("kind", [LABELS, POINTS])


@KINDS
def test_what_a_stage_calls_its_own_cannot_be_a_layer(kind: str) -> None:
    folder = AnimalFolder(Path("DK39"))
    stages = (folder.volume(1), folder.volume(12, full=True), folder.other_mesh("shell", variant_name(1, 20)))
    taken = [one.name for one in stages] + ["shell", "Shell", "c1t", folder.mesh_table("nuclei").name]
    for name in (*taken, "", ".hidden", "a/b", "..", "a b", "x" * 81):
        with pytest.raises(BrainstackError, match=rf"^it cannot be a layer of {kind}; wanted a name of letters"):
            check_name(name, kind, "it")
    for name in ("nuclei", "shells", "C1_cells", "7N.L", "nuclei_mesh", "x" * 80):
        check_name(name, kind, "it")


@KINDS
def test_a_name_is_given_once_though_nothing_was_made_yet(kind: str, tmp_path: Path) -> None:
    folder = AnimalFolder(tmp_path / "DK39")
    files = {LABELS: [folder.labels("nuclei")], POINTS: [folder.points("nuclei"), folder.points("nuclei", ".json")]}
    other = POINTS if kind == LABELS else LABELS
    for path in files[kind]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    check_layer_name(folder, "nuclei", kind)  # said again, it is replaced
    for path in files[kind]:
        with pytest.raises(BrainstackError) as error:
            check_layer_name(folder, "nuclei", other)
        assert str(error.value) == (
            f"'nuclei' cannot be a layer of {other}: {path} says that it is one of {kind}; choose another name, or "
            f"take that one away with `brainstack {kind} remove DK39 nuclei`."
        )
        path.unlink()
    check_layer_name(folder, "nuclei", other)
