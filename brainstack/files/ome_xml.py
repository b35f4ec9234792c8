"""OME-XML: what an OME-TIFF says of its pixels, as the OME schema of June 2016 has it; the same from run to run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr


@dataclass(frozen=True)
class OmeChannel:
    """name : what viewers call it; "" leaves it to them. color : such as "#6699ff"; "" leaves it to them.
    contrast : the grey values shown black and full."""

    name: str = ""
    color: str = ""
    contrast: tuple[float, float] | None = None


def ome_xml(
    shape_zyx: tuple[int, int, int],
    *,
    dtype: str,
    pixel_size_um: float,
    channels: Sequence[OmeChannel],
    samples: int = 1,
    section_um: float | None = None,
    name: str = "",
) -> str:
    """One image, whose planes are in the file with the channel varying first, then z.

    dtype : "uint8" or "uint16". samples : of a pixel of each channel; 3 for RGB. section_um : from a plane to the next.

    There must be no character reference in it, such as "&#181;": Bio-Formats spoils them, and then takes nothing of it.
    """
    sections, rows, columns = shape_zyx
    depth = f' PhysicalSizeZ="{section_um:.9g}" PhysicalSizeZUnit="µm"' if section_um is not None else ""
    planes = f' IFD="0" PlaneCount="{sections * len(channels)}"' if sections * len(channels) > 1 else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="'
        "http://www.openmicroscopy.org/Schemas/OME/2016-06 http://www.openmicroscopy.org/Schemas/OME/2016-06/ome.xsd"
        '">'
        f'<Image ID="Image:0"{_named(name)}><Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="{dtype}" '
        f'SizeX="{columns}" SizeY="{rows}" SizeC="{samples * len(channels)}" SizeZ="{sections}" SizeT="1" '
        f'PhysicalSizeX="{pixel_size_um:.9g}" PhysicalSizeXUnit="µm" '
        f'PhysicalSizeY="{pixel_size_um:.9g}" PhysicalSizeYUnit="µm"{depth}>'
        f"{''.join(_channel(number, one, samples) for number, one in enumerate(channels))}"
        f"<TiffData{planes}/></Pixels></Image></OME>"
    )


def _channel(number: int, channel: OmeChannel, samples: int) -> str:
    color = f' Color="{signed_rgba(channel.color)}"' if channel.color else ""
    return f'<Channel ID="Channel:0:{number}"{_named(channel.name)} SamplesPerPixel="{samples}"{color}/>'


def _named(name: str) -> str:
    """No control characters: XML has none but line ends and tabs, and these would become references."""
    printable = "".join(letter if letter.isprintable() else " " for letter in name).strip()
    return f" Name={quoteattr(printable)}" if printable else ""


def signed_rgba(color: str) -> int:
    """A colour such as "#6699ff", opaque, as OME counts colours: a signed number of 32 bits."""
    unsigned = int(color.removeprefix("#"), 16) << 8 | 255
    return unsigned - (1 << 32) if unsigned >= 1 << 31 else unsigned
