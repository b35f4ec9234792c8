"""Rows that a new database begins with: structures, and what the lab calls its tasks. Revision 0006 writes them."""

from __future__ import annotations

from typing import Any

NAMES = {
    "10N": "Dorsal motor nucleus of the vagus nerve",
    "12N": "Hypoglossal nucleus",
    "3N": "Oculomotor nucleus",
    "4N": "Trochlear nucleus",
    "5N": "Motor nucleus of the trigeminal nerve",
    "6N": "Abducens nucleus",
    "7N": "Facial motor nucleus",
    "Amb": "Nucleus ambiguus",
    "7n": "Facial nerve",
    "DC": "Dorsal cochlear nucleus",
    "IC": "Inferior colliculus",
    "LC": "Locus coeruleus",
    "LRt": "Lateral reticular nucleus",
    "PBG": "Parabigeminal nucleus",
    "Pn": "Pontine nuclei",
    "R": "Red nucleus",
    "RtTg": "Reticulotegmental nucleus of the pons",
    "SC": "Superior colliculus",
    "SNC": "Substantia nigra, compact part",
    "SNR": "Substantia nigra, reticular part",
    "Sp5C": "Spinal trigeminal nucleus, caudal part",
    "Sp5I": "Spinal trigeminal nucleus, interpolar part",
    "Sp5O": "Spinal trigeminal nucleus, oral part",
    "Tz": "Nucleus of the trapezoid body",
    "VCA": "Ventral cochlear nucleus, anterior part",
    "VCP": "Ventral cochlear nucleus, posterior part",
    "VLL": "Ventral nucleus of the lateral lemniscus",
    "AP": "Area postrema",
}
"""The 28 structures of the lab's atlas, by label: 10N is 1. Large and small letters count."""
UNPAIRED = ("12N", "AP", "IC", "RtTg", "SC")
"""Those at the midline. Each of the others is two: left (_L) and right (_R), with one label."""
NAMELESS = (
    (52, "point", "An unnamed point"),
    (53, "line", "A line"),
    (54, "polygon", "An unnamed outline"),
)
"""What the lab counts among its structures, with their ids."""


def structures() -> list[dict[str, Any]]:
    """Rows of `structure`: 51 structures, and point, line and polygon."""
    rows: list[dict[str, Any]] = []
    for label, (name, words) in enumerate(NAMES.items(), 1):
        for side, where in (("", ""),) if name in UNPAIRED else (("_L", ", left"), ("_R", ", right")):
            rows.append(_structure(len(rows) + 1, f"{name}{side}", f"{words}{where}", label, is_structure=True))
    rows += [_structure(number, name, words, number, is_structure=False) for number, name, words in NAMELESS]
    return rows


def _structure(number: int, name: str, words: str, label: int, *, is_structure: bool) -> dict[str, Any]:
    return {"id": number, "abbreviation": name, "description": words, "color": label, "is_structure": is_structure}


TASKS = (
    (10, "slides are scanned", "", "", 0, "TIF", False),
    (20, "slide scans are in their folder", "", "", 0, "TIF", False),
    (30, "slide scans are read", "create_meta", "Meta", 0, "TIF", False),
    (40, "people have looked at the slides", "", "", 0, "TIF", False),
    (50, "TIFFs of channel 1", "create_tifs", "Tifs", 1, "TIF", False),
    (55, "sections in order", "create_preps", "Preps", 0, "TIF", False),
    (60, "thumbnails of channel 1", "create_preps", "Normalized", 1, "TIF", True),
    (70, "histograms of channel 1", "create_histogram", "ChannelHistogram", 1, "HISTOGRAM", True),
    (80, "masks", "create_masks", "Masks", 0, "CLEAN", True),
    (90, "channel 1 is cleaned, thumbnails", "create_clean", "Clean", 1, "CLEAN", True),
    (100, "channel 1 is aligned, thumbnails", "create_alignment", "Alignment", 1, "ALIGN", True),
    (120, "masks of full size", "create_masks", "FullMasks", 0, "CLEAN", False),
    (130, "TIFFs of channel 2", "create_tifs", "Tifs", 2, "TIF", False),
    (140, "thumbnails of channel 2", "create_preps", "Normalized", 2, "TIF", True),
    (150, "histograms of channel 2", "create_histogram", "ChannelHistogram", 2, "HISTOGRAM", True),
    (160, "TIFFs of channel 3", "create_tifs", "Tifs", 3, "TIF", False),
    (170, "thumbnails of channel 3", "create_preps", "Normalized", 3, "TIF", True),
    (180, "histograms of channel 3", "create_histogram", "ChannelHistogram", 3, "HISTOGRAM", True),
    (185, "channel 1 is cleaned, full size", "create_clean", "FullClean", 1, "CLEAN", False),
    (190, "channel 2 is cleaned, full size", "create_clean", "FullClean", 2, "CLEAN", False),
    (200, "channel 3 is cleaned, full size", "create_clean", "FullClean", 3, "CLEAN", False),
    (209, "channel 1 is aligned, full size", "create_alignment", "FullAlignment", 1, "ALIGN", False),
    (210, "channel 2 is aligned, full size", "create_alignment", "FullAlignment", 2, "ALIGN", False),
    (220, "channel 3 is aligned, full size", "create_alignment", "FullAlignment", 3, "ALIGN", False),
    (225, "volume of channel 1, thumbnails", "create_neuroglancer_image", "Downsampling", 1, "NEUROGLANCER", True),
    (230, "volume of channel 2, thumbnails", "create_neuroglancer_image", "Downsampling", 2, "NEUROGLANCER", True),
    (240, "volume of channel 3, thumbnails", "create_neuroglancer_image", "Downsampling", 3, "NEUROGLANCER", True),
    (245, "volume of channel 1, full size", "create_neuroglancer_image", "FullDownsampling", 1, "NEUROGLANCER", False),
    (250, "volume of channel 2, full size", "create_neuroglancer_image", "FullDownsampling", 2, "NEUROGLANCER", False),
    (255, "volume of channel 3, full size", "create_neuroglancer_image", "FullDownsampling", 3, "NEUROGLANCER", False),
)
"""The lab's task ids: what, the lab's script, our stage and channel as the log has them, action, thumbnails only."""


def tasks() -> list[dict[str, Any]]:
    """Rows of `progress_lookup`."""
    columns = "id", "description", "script", "stage", "channel", "action", "downsample"
    return [dict(zip(columns, row, strict=True)) | {"ordinal": place} for place, row in enumerate(TASKS, 1)]
