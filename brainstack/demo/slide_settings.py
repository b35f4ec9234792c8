"""What the made-up scanner says of its slides: channels, objective, time, and where on the stage each scene lies."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from brainstack.demo.czi_metadata import ChannelSettings, SceneSettings, metadata_xml
from brainstack.demo.truth import SectionTruth, Truth

CHANNELS = {
    "fluorescence": (
        ChannelSettings("DAPI", 12, colour="#FF00A0FF"),
        ChannelSettings("GFP", 150, colour="#FF00FF5B"),
        ChannelSettings("Cy5", 300, colour="#FFFF0014"),
    ),
    "nissl": (ChannelSettings("Brightfield", 0.2, colour="#FFFFFFFF", contrast="Brightfield"),),
}
"""Of each stain."""

PIXEL_TYPES = {"fluorescence": "Gray16", "nissl": "Bgr24"}

FIRST_SCAN = datetime(2024, 3, 5, 9, 30)
SCAN_MINUTES = 25

STAGE_MIDDLE_UM = (50_000.0, 12_500.0)
"""Where the stage stands over the middle of the part of a slide that has no label."""


def slide_metadata(name: str, truth: Truth, placed: Sequence[tuple[SectionTruth, int, int]]) -> str:
    """The metadata of the slide `name`. placed : each of its sections with the x and y of its scene's corner."""
    number = int(name[-3:])
    right = max(x + section.width_px for section, x, _ in placed)
    lower = max(y + section.height_px for section, _, y in placed)
    size_px = (right - min(x for _, x, _ in placed), lower - min(y for _, _, y in placed))
    return metadata_xml(
        channels=CHANNELS[truth.stain],
        pixel_size_um=(truth.pixel_size_um, truth.pixel_size_um),
        pixel_type=PIXEL_TYPES[truth.stain],
        scenes=[_scene(section, x, y, truth.pixel_size_um) for section, x, y in placed],
        acquired_at=(FIRST_SCAN + timedelta(minutes=SCAN_MINUTES * (number - 1))).isoformat() + "Z",
        objective="EC Plan-Neofluar 1.25x/0.03 M27",
        magnification=1.25,
        numerical_aperture=0.03,
        size_px=size_px,
        title=f"{name}.czi",
    )


def _scene(section: SectionTruth, x: int, y: int, pixel_size_um: float) -> SceneSettings:
    sizes = (section.width_px, section.height_px)
    middle_x, middle_y = (
        stage + (corner + size / 2) * pixel_size_um
        for stage, corner, size in zip(STAGE_MIDDLE_UM, (x, y), sizes, strict=True)
    )
    contour = (sizes[0] * pixel_size_um, sizes[1] * pixel_size_um)
    return SceneSettings(f"ScanRegion{section.scene - 1}", section.scene - 1, (middle_x, middle_y), contour)
