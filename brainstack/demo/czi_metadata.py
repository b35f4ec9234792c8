"""The XML that a CZI holds about itself, as ZEN writes it: what was scanned, where, and with what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

Element = ElementTree.Element

BITS = {"Gray8": 8, "Gray16": 16, "Bgr24": 8}


@dataclass(frozen=True)
class ChannelSettings:
    """What the file says of one channel.

    name : "" leaves it out. exposure_ms : milliseconds; None leaves it out. pixel_type : "" for the image's.
    colour : such as "#FF00A1FF" (alpha, red, green, blue). shown_name : in the settings of the display; None for
    `name`. contrast : "Fluorescence", "Brightfield" ...
    """

    name: str
    exposure_ms: float | None = None
    pixel_type: str = ""
    colour: str = ""
    shown_name: str | None = None
    contrast: str = "Fluorescence"


@dataclass(frozen=True)
class SceneSettings:
    """What the file says of one scene.

    index : as in the tiles; None counts from 0. centre_um : (x, y) of its middle on the stage. contour_um : (width,
    height). positions_um : (x, y) of single positions.
    """

    name: str = ""
    index: int | None = None
    centre_um: tuple[float, float] | None = None
    contour_um: tuple[float, float] | None = None
    positions_um: tuple[tuple[float, float], ...] = ()


def metadata_xml(
    *,
    channels: Sequence[ChannelSettings],
    pixel_size_um: tuple[float, float] | None,
    pixel_type: str,
    scenes: Sequence[SceneSettings] = (),
    acquired_at: str = "",
    objective: str = "",
    size_px: tuple[int, int] = (0, 0),
    size_z: int = 1,
    size_t: int = 1,
    size_m: int = 0,
    magnification: float | None = None,
    numerical_aperture: float | None = None,
    title: str = "",
) -> str:
    """The metadata of a CZI. What is not known ("", None, 0) is left out.

    pixel_size_um : (x, y), written in metres. pixel_type : "Gray8", "Gray16" or "Bgr24". acquired_at : such as
    "2024-03-05T09:30:00Z". objective : its name. size_px : (width, height) of all scenes together. size_m : tiles of
    the scene that has most.
    """
    root = Element("ImageDocument")
    metadata = ElementTree.SubElement(root, "Metadata")
    information = ElementTree.SubElement(metadata, "Information")
    _add(information, "Application/Name", "ZEN 3.6 (blue edition)")
    _add(information, "Document/CreationDate", acquired_at)
    _add(information, "Document/Title", title)
    image = ElementTree.SubElement(information, "Image")
    sizes = {"X": size_px[0], "Y": size_px[1], "S": len(scenes), "M": size_m}
    sizes |= {"C": len(channels), "Z": size_z, "T": size_t}
    for name, size in sizes.items():
        _add(image, f"Size{name}", str(size or ""))
    _add(image, "AcquisitionDateAndTime", acquired_at)
    _add(image, "ComponentBitCount", str(BITS[pixel_type]))
    _add(image, "PixelType", pixel_type)
    image.append(_dimensions(channels, scenes, pixel_type))
    if objective:
        settings = ElementTree.SubElement(image, "ObjectiveSettings")
        ElementTree.SubElement(settings, "ObjectiveRef", Id="Objective:1")
        information.append(_instrument(objective, magnification, numerical_aperture))
    metadata.extend([_scaling(pixel_size_um), _display(channels, pixel_type)])
    ElementTree.indent(root, " ")
    return '<?xml version="1.0"?>\n' + ElementTree.tostring(root, encoding="unicode")


def _add(parent: Element, path: str, text: str) -> None:
    """An element with a text, below others that are made where they are missing; none where the text is empty."""
    if not text:
        return
    *above, last = path.split("/")
    for name in above:
        found = parent.find(name)
        parent = ElementTree.SubElement(parent, name) if found is None else found
    ElementTree.SubElement(parent, last).text = text


def _dimensions(channels: Sequence[ChannelSettings], scenes: Sequence[SceneSettings], pixel_type: str) -> Element:
    dimensions = Element("Dimensions")
    if channels:
        ElementTree.SubElement(dimensions, "Channels").extend(_channels(channels, pixel_type))
    if scenes:
        ElementTree.SubElement(ElementTree.SubElement(dimensions, "S"), "Scenes").extend(_scenes(scenes))
    return dimensions


def _channels(channels: Sequence[ChannelSettings], pixel_type: str) -> Iterator[Element]:
    for number, channel in enumerate(channels):
        element = Element("Channel", {"Id": f"Channel:{number}", **_name(channel.name)})
        _add(element, "Color", channel.colour)
        _add(element, "Fluor", channel.name if channel.contrast == "Fluorescence" else "")
        # Nanoseconds.
        _add(element, "ExposureTime", "" if channel.exposure_ms is None else f"{channel.exposure_ms * 1e6:.12g}")
        _add(element, "ContrastMethod", channel.contrast)
        _add(element, "PixelType", channel.pixel_type or pixel_type)
        _add(element, "ComponentBitCount", str(BITS[channel.pixel_type or pixel_type]))
        yield element


def _scenes(scenes: Sequence[SceneSettings]) -> Iterator[Element]:
    for number, scene in enumerate(scenes):
        index = number if scene.index is None else scene.index
        element = Element("Scene", {"Index": str(index), **_name(scene.name)})
        _add(element, "ScanMode", "Meander")
        _add(element, "CenterPosition", _pair(scene.centre_um))
        _add(element, "ContourSize", _pair(scene.contour_um))
        _add(element, "ContourType", "Rectangle")
        if scene.positions_um:
            positions = ElementTree.SubElement(element, "Positions")
            for x, y in scene.positions_um:
                ElementTree.SubElement(positions, "Position", X=_number(x), Y=_number(y), Z="0")
        yield element


def _name(name: str) -> dict[str, str]:
    return {"Name": name} if name else {}


def _pair(values: tuple[float, float] | None) -> str:
    return "" if values is None else ",".join(_number(value) for value in values)


def _number(value: float) -> str:
    return f"{round(value, 3):.12g}"


def _instrument(objective: str, magnification: float | None, numerical_aperture: float | None) -> Element:
    instrument = Element("Instrument")
    element = ElementTree.SubElement(
        ElementTree.SubElement(instrument, "Objectives"), "Objective", Id="Objective:1", Name=objective
    )
    _add(element, "LensNA", "" if numerical_aperture is None else f"{numerical_aperture:g}")
    _add(element, "NominalMagnification", "" if magnification is None else f"{magnification:g}")
    _add(element, "Immersion", "Air")
    _add(element, "Manufacturer/Model", objective)
    return instrument


def _scaling(pixel_size_um: tuple[float, float] | None) -> Element:
    scaling = Element("Scaling")
    items = ElementTree.SubElement(scaling, "Items")
    for axis, size_um in zip("XY", pixel_size_um or (), strict=False):
        distance = ElementTree.SubElement(items, "Distance", Id=axis)
        _add(distance, "Value", f"{size_um * 1e-6:.12G}")
        _add(distance, "DefaultUnitFormat", "µm")
    return scaling


def _display(channels: Sequence[ChannelSettings], pixel_type: str) -> Element:
    display = Element("DisplaySetting")
    every = ElementTree.SubElement(display, "Channels")
    for number, channel in enumerate(channels):
        name = channel.name if channel.shown_name is None else channel.shown_name
        element = ElementTree.SubElement(every, "Channel", {"Id": f"Channel:{number}", **_name(name)})
        _add(element, "BitCountRange", str(BITS[channel.pixel_type or pixel_type]))
        _add(element, "PixelType", channel.pixel_type or pixel_type)
        _add(element, "Color", channel.colour)
    return display
