"""Saying what layers of labels are made from, for `brainstack labels`."""

from __future__ import annotations

from pathlib import Path

from brainstack.animal_folder import AnimalFolder
from brainstack.database import open_database
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.files.label_files import LabelImage, Triple, checked_geometry, read_names
from brainstack.files.segment_properties import read_segments
from brainstack.files.whole import remove_folder
from brainstack.label_sources import names_path, path_of, sources, write_source
from brainstack.labels import POLYGONS, SECTIONS, VOLUME, LabelSource
from brainstack.layer_names import LABELS, check_layer_name
from brainstack.locking import locked
from brainstack.mesh_costs import read_costs, table
from brainstack.planning import known_folder
from brainstack.points import POLYGONS as POLYGON_SESSIONS


def source_of(
    layer: str,
    *,
    sections: Path | None = None,
    volume: Path | None = None,
    polygons: bool = False,
    names: Path | None = None,
    voxel_um: Triple | None = None,
    offset_um: Triple | None = None,
    from_layer: str | None = None,
) -> LabelSource:
    """What a person said. Raises BrainstackError where it does not go together."""
    if (sections is not None) + (volume is not None) + polygons != 1:
        raise BrainstackError(
            "It was not said what the layer is made from; give one of --sections, --volume and --polygons."
        )
    if volume is None and (voxel_um or offset_um):
        raise BrainstackError(
            "--voxel-um and --offset-um are of a --volume; sections and polygons lie where the brain does."
        )
    if not polygons and from_layer is not None:
        raise BrainstackError("--layer is of --polygons: the layer of Neuroglancer that they were drawn in.")
    if polygons and names is not None:
        raise BrainstackError("--names is of --sections and --volume: polygons are called by their structure.")
    kind = POLYGONS if polygons else SECTIONS if sections is not None else VOLUME
    path = sections or volume
    return LabelSource(
        layer, kind, str(path.absolute()) if path else "", str(names.absolute()) if names else "",
        voxel_um, offset_um, from_layer,
    )  # fmt: skip


def add(prep_id: str, source: LabelSource) -> list[str]:
    """Say what a layer is made from. Returns what to tell the person.

    Raises BrainstackError for a name that cannot be or is taken, and for what can be seen not to be labels.
    """
    folder = known_folder(prep_id)
    check_layer_name(folder, source.name, LABELS)
    place = folder.label_volume(source.name)
    if place.exists() and source.name not in sources(folder):
        raise BrainstackError(f"{place} is there already; choose another name, or move it away.")
    lines = _looked_at(folder, source)
    write_source(folder, source)
    return [*lines, f"The next run makes it: luigi --module tasks NeuroglancerMesh --animal {prep_id}"]


def _looked_at(folder: AnimalFolder, source: LabelSource) -> list[str]:
    """What to tell of the labels. Raises BrainstackError where there are none."""
    names = read_names(names_path(folder, source)) if source.names else []
    named = [f"{len(names)} labels have names of their own"] if names else []
    path = path_of(folder, source)
    if source.kind == POLYGONS:
        return _told_of_polygons(folder.prep_id, source)
    if source.kind == SECTIONS:
        count = len([one for one in path.glob("[!.]*") if one.suffix.lower() in (".tif", ".tiff")])
        if not count:
            raise BrainstackError(f"{path} is no folder with TIFFs; wanted label images such as 012.tif.")
        return [f"{source.name}: {count} label images in {path}", *named]
    image = LabelImage(path)
    voxel_um, offset_um = checked_geometry(image, path, source.voxel_um, source.offset_um)
    size = " x ".join(map(str, image.shape_zyx[::-1]))
    sides, at = (" x ".join(f"{one:g}" for one in lengths) for lengths in (voxel_um, offset_um))
    said = _said_of_corner(source, image)
    return [f"{source.name}: {size} voxels of {sides} um in {path}, its corner at {at} um{said}", *named]


def _said_of_corner(source: LabelSource, image: LabelImage) -> str:
    """Who says where a volume lies."""
    if source.offset_um:
        return ""
    if image.middle_um is None:
        return ", as the file does not say it; --offset-um X Y Z does"
    return ", half a voxel before the file's origin, which is the middle of its first voxel"


def _told_of_polygons(prep_id: str, source: LabelSource) -> list[str]:
    with open_database(database_url()) as database:
        found = database.annotations(prep_id, kind=POLYGON_SESSIONS)
    some = [one for one in found if source.layer in (None, one.layer)]
    count = len({(one.number, corner.polygon) for one in some for corner in one.points})
    return [f"{source.name}: {count} polygons so far, of {len({one.structure for one in some})} structures"]


def listed(prep_id: str) -> list[str]:
    """A line for each layer."""
    folder = known_folder(prep_id)
    return [_line(folder, one) for one in sources(folder).values()] or [f"{prep_id} has no layers of labels."]


def _line(folder: AnimalFolder, source: LabelSource) -> str:
    segments = read_segments(folder.label_volume(source.name))
    names = ", ".join(one.name for one in segments[:5]) + (", ..." if len(segments) > 5 else "")
    made = f"{len(segments)} labels: {names}" if segments else "not made yet"
    return f"{source.name}: {source.kind} {source.path or source.layer or ''}".rstrip() + f"; {made}"


def remove(prep_id: str, layer: str) -> str:
    """Take a layer away."""
    folder = known_folder(prep_id)
    if layer not in sources(folder):
        raise BrainstackError(
            f"{prep_id} has no layer {layer!r} of labels; `brainstack labels list {prep_id}` lists them."
        )
    with locked(folder):
        folder.labels(layer).unlink()
        folder.labels_found(layer).unlink(missing_ok=True)
        for path in (folder.label_volume(layer), *folder.neuroglancer_data.glob(f"{layer}_mesh_mip_*")):
            remove_folder(path)
        folder.mesh_table(layer).unlink(missing_ok=True)
        remove_folder(folder.mesh_costs(layer))
    return f"{layer} is taken away."


def costs(prep_id: str, layer: str) -> str:
    """The table of what meshes of a layer cost."""
    known = read_costs(known_folder(prep_id).mesh_costs(layer))
    if not known:
        raise BrainstackError(
            f"Nothing is known of what meshes of {layer} cost; try some: "
            f"luigi --module tasks DifferentMesh --animal {prep_id} --layer {layer} --mip 1 --error-um 20"
        )
    return table(known)
