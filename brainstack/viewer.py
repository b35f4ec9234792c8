"""What Neuroglancer shows of an animal: its layers, colours, contrast and place, as the client's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

State = dict[str, Any]

COLORS = ("#6699ff", "#ff0000", "#00ff00", "#ff00ff")
"""Of channels 1, 2 ... where there are several. Channel 1 is the counterstain; pure blue is too dark to see."""

ANNOTATION_COLORS = ("#ffff00", "#00ffff", "#ff9933", "#ff66ff", "#99ff33")
"""Of layers of points, one after the other."""

SHELL_COLOR, SHELL_ALPHA = "#cfd8e6", 0.3
"""Sections, structures and points are seen through it."""

PANEL_PX = (590, 280)
"""Width and height that one of four panels has at least, in a laptop's browser window."""

CHANNEL_SHADER = """#uicontrol invlerp normalized
#uicontrol vec3 color color
void main() {
  emitRGB(color * normalized());
}
"""

PROJECTION = (-0.23, -0.2, 0.05, 0.95)
"""How the brain is turned in three dimensions, as a quaternion (x, y, z, w): about a quarter of a right angle up and to
the side, so that its depth is seen."""

BLACK, WHITE = "#000000", "#ffffff"

RGB_SHADER = """void main() {
  emitRGB(vec3(toNormalized(getDataValue(0)), toNormalized(getDataValue(1)), toNormalized(getDataValue(2))));
}
"""

POINT_SHADER = """#uicontrol float size slider(min=1, max=20, default=6)
void main() {
  setColor(defaultColor());
  setPointMarkerSize(size);
}
"""


@dataclass(frozen=True)
class ImageVolume:
    """A volume to show. name : of its layer, such as "C1 DAPI". folder : below neuroglancer_data, such as "C1T".

    contrast : the grey values shown black and full; the client cuts them to the range of the dtype. Of no use where
        `rgb` is true (three channels that are a colour).
    """

    name: str
    folder: str
    contrast: tuple[float, float] = (0, 65535)
    rgb: bool = False


def animal_state(
    volumes: Sequence[ImageVolume],
    *,
    size_xyz: tuple[int, int, int],
    voxel_size_um: tuple[float, float, float],
    title: str = "",
    more_layers: Sequence[State] = (),
    background: str = BLACK,
) -> State:
    """The client's state that shows all volumes, added up in their colours, with the whole brain in four panels.

    size_xyz : voxels of the first level. voxel_size_um : (x, y, z). more_layers : from `segmentation_layer` or
    `annotation_layer`, drawn on top. background : what lies around the brain in the cross sections, such as "#f3eee0".
    Sources are relative to the animal's neuroglancer_data; whoever serves the state completes them (`with_data_at`).
    """
    grey = sum(not volume.rgb for volume in volumes) == 1
    colors = (WHITE,) if grey else COLORS
    layers = [_image_layer(volume, colors[place % len(colors)]) for place, volume in enumerate(volumes)]
    # Neuroglancer measures screens in the smallest side of a voxel.
    width, height, depth = (
        size * voxel_um / min(voxel_size_um) for size, voxel_um in zip(size_xyz, voxel_size_um, strict=True)
    )
    return {
        "title": title or "brainstack",
        "dimensions": {axis: [um / 1e6, "m"] for axis, um in zip("xyz", voxel_size_um, strict=True)},
        "position": [size // 2 + 0.5 for size in size_xyz],  # the middle of a voxel, whose left end is whole
        "crossSectionScale": 1.1 * max(max(width, depth) / PANEL_PX[0], max(height, depth) / PANEL_PX[1]),
        "projectionOrientation": list(PROJECTION),
        "hideCrossSectionBackground3D": True,  # else two black planes stand in the way
        "projectionScale": 1.5 * max(width, height, depth),
        "layers": [*layers, *more_layers],
        "selectedLayer": {"layer": layers[0]["name"], "visible": False} if layers else {},
        "layout": "4panel",
        "crossSectionBackgroundColor": background,
    }


def _image_layer(volume: ImageVolume, color: str) -> State:
    layer: State = {
        "type": "image",
        "name": volume.name,
        "source": f"precomputed://{volume.folder}",
        "blend": "additive",
        "opacity": 1,
    }
    if volume.rgb:
        return layer | {"shader": RGB_SHADER}
    controls = {"normalized": {"range": list(volume.contrast)}, "color": color}
    return layer | {"shader": CHANNEL_SHADER, "shaderControls": controls}


def other_image_layer(name: str, folder: str, *, rgb: bool = False) -> State:
    """A volume that is no channel of the animal: there to be switched on."""
    layer: State = {"type": "image", "name": name, "source": f"precomputed://{folder}", "visible": False}
    return layer | {"shader": RGB_SHADER} if rgb else layer


def segmentation_layer(
    name: str, folder: str, *, segments: Sequence[int] = (), colors: Mapping[int, str] | None = None
) -> State:
    """A label volume with its meshes. segments : labels chosen at the start; none shows all of them in the panels, and
    no mesh. colors : label -> such as "#0cff95"; the client finds one for each other label."""
    layer: State = {
        "type": "segmentation",
        "name": name,
        "source": f"precomputed://{folder}",
        "selectedAlpha": 0.35,
        "segments": [str(label) for label in segments],
    }
    return layer | {"segmentColors": {str(label): color for label, color in colors.items()}} if colors else layer


def shell_layer(name: str, folder: str, *, segments: Sequence[int] = (1,)) -> State:
    """The brain's surface, which one looks through in three dimensions; the cross sections stay free of it."""
    return segmentation_layer(name, folder, segments=segments) | {
        "selectedAlpha": 0,
        "notSelectedAlpha": 0,
        "objectAlpha": SHELL_ALPHA,
        "segmentDefaultColor": SHELL_COLOR,
        "hoverHighlight": False,
    }


def annotation_layer(name: str, folder: str, *, color: str = "#ffff00", points: bool = False) -> State:
    """Annotations in the precomputed format. points : draw them as dots that are seen at any size of the brain."""
    layer: State = {
        "type": "annotation",
        "name": name,
        "source": f"precomputed://{folder}",
        "annotationColor": color,
    }
    return layer | {"shader": POINT_SHADER} if points else layer


def with_data_at(state: Mapping[str, Any], data_url: str) -> State:
    """The state with relative sources ("precomputed://C1T") completed to "precomputed://<data_url>/C1T"."""
    scheme = "precomputed://"

    def completed(layer: Mapping[str, Any]) -> State:
        source = layer.get("source")
        if isinstance(source, str) and source.startswith(scheme) and "://" not in source.removeprefix(scheme):
            return {**layer, "source": f"{scheme}{data_url}/{source.removeprefix(scheme)}"}
        return dict(layer)

    return {**state, "layers": [completed(layer) for layer in state["layers"]]}
