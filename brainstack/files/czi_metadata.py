"""What the XML inside a CZI says of the scan: channels, exposure, pixel size, time, objective, places on the stage.

ZEN writes the same fact in several places, and other programs write few of them: each is looked for in the place that
speaks of the image as it was taken, then where the experiment was set up.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree

from brainstack.records import Channel

IMAGE = ".//Information/Image"
CHANNELS = f"{IMAGE}/Dimensions/Channels/Channel"
SHOWN_CHANNELS = ".//DisplaySetting/Channels/Channel"
SCENES = f"{IMAGE}/Dimensions/S/Scenes/Scene"

NANOSECONDS = 1e-6
"""In milliseconds: the unit of a channel's ExposureTime."""

NO_TIME = "0001-01-01"
"""What ZEN writes for a time that it does not know."""


@dataclass(frozen=True)
class CziMetadata:
    """What the metadata of a CZI say, without its tiles.

    channels : names and exposures. pixel_size_um : (x, y), or None where the file does not give both. acquired_at :
    ISO 8601 time as the file says, or "". objective : its name, or "". stage_um : index of a scene inside the CZI,
    from 0 -> (x, y) of its centre as the stage counts. scene_count : how many scenes there are, None where the
    metadata do not speak of scenes. pixel_shift_px : number of a channel, from 1 -> (x, y) by which the scanner was
    told to move it over the others; only those that were moved. Other readers found the tiles of such a channel to lie
    at their moved places already, so that these numbers are to be told, not to be added.
    """

    channels: tuple[Channel, ...]
    pixel_size_um: tuple[float, float] | None
    acquired_at: str
    objective: str
    stage_um: Mapping[int, tuple[float, float]]
    scene_count: int | None
    pixel_shift_px: Mapping[int, tuple[float, float]]


def parse_metadata(xml: bytes | str, channel_count: int) -> CziMetadata:
    """Read the metadata segment of a CZI; an empty one says nothing. channel_count : how many channels its tiles have.

    Raises ValueError where it is no XML, or where something that should be a number is none; it says which.
    """
    try:
        about = ElementTree.fromstring(_text(xml)) if xml else ElementTree.Element("ImageDocument")
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # the latter two for a strange encoding
        raise ValueError(f"its metadata are no XML ({error})") from error
    names = _names(about, channel_count)
    planned = _planned_channels(about, names)
    exposures = _exposures_ms(about, planned, channel_count)
    return CziMetadata(
        channels=tuple(
            Channel(number, names[number] or f"C{number}", exposures.get(number))
            for number in range(1, channel_count + 1)
        ),
        pixel_size_um=_pixel_size_um(about),
        acquired_at=_acquired_at(about),
        objective=_objective(about),
        stage_um=_stage_um(about),
        scene_count=_scene_count(about),
        pixel_shift_px=_pixel_shifts(about, planned, channel_count),
    )


def _text(xml: bytes | str) -> bytes | str:
    """Without the zeros that fill up its segment."""
    return xml.rstrip(b"\0") if isinstance(xml, bytes) else xml.rstrip("\0")


# Channels -------------------------------------------------------------------------------------------------------------


def _names(about: ElementTree.Element, count: int) -> dict[int, str]:
    """Name of each channel by its number; "" where the file has none. Some files name their channels only where they
    say how to show them."""
    found, shown = about.findall(CHANNELS)[:count], about.findall(SHOWN_CHANNELS)
    shown_as = {one.get("Id", ""): one.get("Name", "") for one in shown}
    names = {}
    for place in range(count):
        of_image = found[place] if place < len(found) else ElementTree.Element("Channel")
        in_order = shown[place].get("Name", "") if place < len(shown) else ""
        names[place + 1] = of_image.get("Name") or shown_as.get(of_image.get("Id") or "none") or in_order
    return names


def _planned_channels(about: ElementTree.Element, names: Mapping[int, str]) -> dict[int, list[ElementTree.Element]]:
    """The channels of the experiment's set-up that each channel of the image was taken with.

    By name; where no name is the same, by order, when there are as many of them. What was not switched on is left out,
    and so is the set-up of the autofocus, which names the same channels.
    """
    outermost = about.find(".//Experiment")
    every = [
        channel
        for block in (() if outermost is None else outermost.findall("ExperimentBlocks/AcquisitionBlock"))
        for track in _tracks(block)
        if track.get("IsActivated") != "false"
        for channel in track.findall("Channels/Channel")
        if channel.get("IsActivated") != "false"
    ]
    by_name = {number: [one for one in every if name and one.get("Name") == name] for number, name in names.items()}
    if not any(by_name.values()) and len(every) == len(names):
        return {number: [one] for number, one in enumerate(every, start=1)}
    return by_name


def _tracks(block: ElementTree.Element) -> Iterator[ElementTree.Element]:
    for element in block:
        if element.tag == "Track":
            yield element
        elif element.tag != "HelperSetups":
            yield from _tracks(element)


def _exposures_ms(
    about: ElementTree.Element, planned: Mapping[int, list[ElementTree.Element]], count: int
) -> dict[int, float]:
    """By channel; none where the file says nothing, or two things."""
    found = {}
    for number, element in enumerate(about.findall(CHANNELS)[:count], start=1):
        nanoseconds = _number(element.findtext("ExposureTime"), f"the exposure of channel {number}")
        if nanoseconds:
            found[number] = round(nanoseconds * NANOSECONDS, 6)
    for number, elements in planned.items():
        texts = {one.findtext("DataGrabberSetup/CameraFrameSetup/ExposureTime") for one in elements}
        values = {_number(text, f"the exposure of channel {number}") for text in texts} - {None, 0.0}
        if number not in found and len(values) == 1:
            found[number] = float(values.pop() or 0)  # the set-up is in milliseconds
    return found


def _pixel_shifts(
    about: ElementTree.Element, planned: Mapping[int, list[ElementTree.Element]], count: int
) -> dict[int, tuple[float, float]]:
    """Only those that are not 0; what the image says of itself counts before what was set up for it."""
    of_image = about.findall(CHANNELS)[:count]
    found: dict[int, tuple[float, float]] = {}
    for number in range(1, count + 1):
        what = f"the pixel shift of channel {number}"
        for element in [*of_image[number - 1 : number], *planned.get(number, [])]:
            x, y = (_number(element.findtext(f"PixelShift{axis}"), what) or 0.0 for axis in "XY")
            if (x or y) and number not in found:
                found[number] = (x, y)
    return found


# The scan -------------------------------------------------------------------------------------------------------------


def _pixel_size_um(about: ElementTree.Element) -> tuple[float, float] | None:
    sides = []
    for axis in "XY":
        what = f"the pixel size along {axis.lower()}"
        metres = _number(about.findtext(f".//Scaling/Items/Distance[@Id='{axis}']/Value"), what)
        if metres is not None and metres < 0:
            raise ValueError(f"{what} is {metres:g} m in its metadata, which is below 0")
        # Rounded to a femtometre, so that 3.25e-07 m is 0.325 um and not 0.32499999999999996.
        sides.append(round((metres or 0.0) * 1e6, 9))
    return (sides[0], sides[1]) if min(sides) > 0 else None


def _acquired_at(about: ElementTree.Element) -> str:
    places = (
        f"{IMAGE}/AcquisitionDateAndTime",
        f"{IMAGE}/Dimensions/T/StartTime",
        ".//Information/Document/CreationDate",
    )
    times = ((about.findtext(place) or "").strip() for place in places)
    return next((time for time in times if time and not time.startswith(NO_TIME)), "")


def _objective(about: ElementTree.Element) -> str:
    """The one that was used; an instrument has several."""
    used = about.find(f"{IMAGE}/ObjectiveSettings/ObjectiveRef")
    every = about.findall(".//Information/Instrument/Objectives/Objective")
    chosen = [one for one in every if used is not None and one.get("Id") == used.get("Id")]
    if name := chosen[0].get("Name", "") if chosen else "":
        return name
    scaled_for = (about.findtext(".//Scaling/AutoScaling/ObjectiveName") or "").strip()
    return scaled_for or (every[0].get("Name", "") if len(every) == 1 else "")


# Scenes ---------------------------------------------------------------------------------------------------------------


def _scene_count(about: ElementTree.Element) -> int | None:
    text = about.findtext(f"{IMAGE}/SizeS")
    count = _number(text, "the number of scenes (SizeS)")
    if count is not None and (count < 0 or count != int(count)):
        raise ValueError(f"the number of scenes (SizeS) is {text!r} in its metadata, which is no count")
    return None if count is None else int(count)


def _stage_um(about: ElementTree.Element) -> dict[int, tuple[float, float]]:
    centres = {}
    for place, scene in enumerate(about.findall(SCENES)):
        index = _number(scene.get("Index"), "the index of a scene")
        number = place if index is None else int(index)
        if (centre := _centre_um(scene, f"the place of scene {number + 1} on the stage")) is not None:
            centres[number] = centre
    return centres


def _centre_um(scene: ElementTree.Element, what: str) -> tuple[float, float] | None:
    """Older files say where each tile is, and not where the middle of them is."""
    if text := (scene.findtext("CenterPosition") or "").strip():
        x, y = (_number(part, what) for part in (text.split(",") if text.count(",") == 1 else ("", text)))
        return None if x is None or y is None else (x, y)
    tiles = [
        (x, y)
        for position in scene.findall("Positions/Position")
        if (x := _number(position.get("X"), what)) is not None and (y := _number(position.get("Y"), what)) is not None
    ]
    if not tiles:
        return None
    (left, top), (right, bottom) = (tuple(map(extreme, zip(*tiles, strict=True))) for extreme in (min, max))
    return (left + right) / 2, (top + bottom) / 2


def _number(text: str | None, what: str) -> float | None:
    """None where there is no text, or ZEN's NaN for what it does not know. Raises ValueError where it is no number."""
    if text is None or not text.strip():
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.inf
    if math.isinf(number):
        raise ValueError(f"{what} is {text.strip()!r} in its metadata, which is no number")
    return None if math.isnan(number) else number
