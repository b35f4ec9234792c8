"""What the layers say to each other: frozen records, no behaviour that reads or writes.

Channels and scenes are counted from 1, as in the names of TIFFs; sections and rows of an array from 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


@dataclass(frozen=True)
class Channel:
    """One channel of a slide scan. number : counted from 1. name : as the microscope calls it, such as "DAPI".

    exposure_ms : in milliseconds; None where the file does not say.
    """

    number: int
    name: str
    exposure_ms: float | None = None


@dataclass(frozen=True)
class Scene:
    """One piece of tissue on a slide, as the scanner found it.

    number : counted from 1, in the order of the scan. index : the scene's number inside the CZI, from 0.
    x, y : top left corner on the slide, in pixels of the scan (may be negative). width, height : in pixels.
    stage_um : (x, y) of its centre as the stage of the microscope counts; None where the file does not say.
    """

    number: int
    index: int
    x: int
    y: int
    width: int
    height: int
    stage_um: tuple[float, float] | None = None


@dataclass(frozen=True)
class SlideScan:
    """What one CZI file holds, read from its metadata, without its pixels.

    pixel_type : "Gray8", "Gray16" or "Bgr24" (colour, one channel). pixel_size_um : (x, y), or None where the file
    does not say. acquired_at : ISO 8601 time as the file says, or "". objective : its name, or "". focal_planes,
    time_points : how many there are of each pixel. warnings : what a person should know before they trust its pictures.
    """

    file_name: str
    pixel_type: str
    pixel_size_um: tuple[float, float] | None
    channels: tuple[Channel, ...]
    scenes: tuple[Scene, ...]
    acquired_at: str = ""
    objective: str = ""
    focal_planes: int = 1
    time_points: int = 1
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Animal:
    """A row of the table `animal`. prep_id : the name of the animal, such as "DK39"."""

    prep_id: str
    species: str = "mouse"
    comments: str = ""


@dataclass(frozen=True)
class Histology:
    """A row of `histology`: what only the person who cut the brain knows.

    side_sectioned_first : "ASC" when slide 1 holds the first section of the stack, "DESC" when the last.
    section_thickness_um : distance between neighbouring sections, in micrometres.
    """

    prep_id: str
    side_sectioned_first: str = "ASC"
    section_thickness_um: float = 20.0
    orientation: str = "sagittal"
    counterstain: str = ""


class Turns(NamedTuple):
    """How pictures are turned. rotation : quarter turns clockwise, 0 to 3. flip : "none", "flip" (half a turn) or
    "flop" (mirror left-right); the quarter turns come first."""

    rotation: int = 0
    flip: str = "none"


@dataclass(frozen=True)
class ScanRun:
    """A row of `scan_run`: how the slides were scanned and how their pictures are turned.

    resolution_um : side of a pixel of the full scan, in micrometres; None until the first CZI has been read.
    resolution_given : True where a person said it, which stands in for a CZI that does not say it.
    rotation : quarter turns clockwise, 0 to 3. flip : "none", "flip" (half a turn) or "flop" (mirror left-right);
    the quarter turns come first.
    """

    prep_id: str
    slide_folder_path: str
    resolution_um: float | None = None
    rotation: int = 0
    flip: str = "none"
    number_of_slides: int = 0
    channels_per_scene: int = 0
    resolution_given: bool = False

    @property
    def turns(self) -> Turns:
        """Of each section whose scene has none of its own."""
        return Turns(self.rotation, self.flip)


@dataclass(frozen=True)
class SlideScene:
    """One scene of a slide in the database.

    number : in the order of the scan, from 1: part of the section's key and of its TIFF's name, and never changed.
    order : its place on the slide, from 1, where a person gave it another than its number. qc : 0 good, 1 out of
    focus, 2 bad tissue, 3 end of the tissue. replicates : slots behind it that copies of it fill. x, y : top left
    corner on the slide, in pixels of the scan; None for a slide that was read before they were kept. moved_after : key
    of the section that a person put it behind in the order of cutting, "first" for before all others; "" where it is
    at its place on the slide. turns : how it is turned, in place of what is said of the animal; None for as the animal.
    """

    number: int
    index: int
    width: int
    height: int
    qc: int = 0
    order: int | None = None
    replicates: int = 0
    x: int | None = None
    y: int | None = None
    moved_after: str = ""
    turns: Turns | None = None


@dataclass(frozen=True)
class Slide:
    """A row of `slide` with its scenes (rows of `slide_czi_to_tif`).

    file_name : of the CZI. number : slide_physical_id. rescan : 1 for the first scan of this slide, and so on.
    status : "Good" or "Bad", as a person decided. pixel_type : as in SlideScan; "" for a slide that was read before it
    was kept. pictures : the scanner's photographs of the glass that Meta wrote, of "label" and "preview". warnings : as
    in SlideScan. rescan_use : of a later scan, "replaces" where it takes the place of the earlier ones, "adds" where it
    has scenes that they missed.
    """

    file_name: str
    number: int
    rescan: int
    status: str
    scenes: tuple[SlideScene, ...]
    channels: tuple[Channel, ...]
    pixel_type: str = ""
    pictures: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rescan_use: str = "replaces"


@dataclass(frozen=True)
class AnimalRecords:
    """All that the database says about an animal, as far as a run needs it."""

    animal: Animal
    histology: Histology
    scan_run: ScanRun
    slides: tuple[Slide, ...] = ()
    pairs_by_hand: tuple[AlignmentEdit, ...] = ()
    alignment_edits: tuple[AlignmentEdit, ...] = ()
    contrasts: tuple[Contrast, ...] = ()


@dataclass(frozen=True)
class Section:
    """One slot of the stack.

    key : its name for ever, such as "slide058_S2". number : its place in the stack now, from 0; for display only.
    slide : name of the CZI without its suffix. scene : counted from 1. scene_index : inside the CZI, from 0.
    z_um : centre of the section along the stack, in micrometres. gap : True when a person said that the section is
    no good; its slot stays, empty. copy : 0, or from 1 for a slot that a copy of a neighbouring section fills; all
    that says where the image is (slide, scene) is then the neighbour's.
    """

    key: str
    number: int
    slide: str
    scene: int
    scene_index: int
    z_um: float
    gap: bool = False
    copy: int = 0

    def tif_name(self, channel: int) -> str:
        """The file name of this section's TIFF, as the lab writes it. channel : counted from 1."""
        return f"{self.slide}_S{self.scene}_C{channel}.tif"


@dataclass(frozen=True)
class PairTransform:
    """How one section lies on another near it: a row of `elastix_transformation`.

    It takes a point of the fixed section's canvas to the moving section's: rotation about the canvas centre, then
    the shift; where `mirrored`, the point is mirrored left-right about the centre before. rotation_rad : in radians,
    positive from x to y (clockwise on the screen). shift_x_um, shift_y_um : in micrometres. metric : masked correlation
    of the two sections after registration, 1 is best; metric_before : as they lie on their canvas. overlap : tissue
    that both have as a share of the smaller one's. residual_um : how far the alignment in force takes the fixed
    section's tissue from where this pair takes it, the mean over the tissue; None before there is one. verdict : see
    VERDICTS. reason : why it is not good, and what elastix said where it gave up; it is in metrics.csv, and not in the
    database.
    """

    fixed: str
    moving: str
    rotation_rad: float
    shift_x_um: float
    shift_y_um: float
    metric: float
    mirrored: bool = False
    metric_before: float | None = None
    overlap: float | None = None
    residual_um: float | None = None
    verdict: str = ""
    reason: str = ""


class GivenPair(NamedTuple):
    """How a person says that one section lies on another, as in PairTransform."""

    rotation_rad: float
    shift_x_um: float
    shift_y_um: float
    mirrored: bool = False


VERDICTS = ("good", "doubtful", "failed")
"""Of a pair or a section. Good: it fits. Doubtful: it is used, and a person should look. Failed: it is not used, and a
section stays out of the stack. "" is not judged yet."""


@dataclass(frozen=True)
class SectionAlignment:
    """Where a section lies in the aligned stack: a row of `section_alignment`.

    rotation_rad, shift_x_um, shift_y_um, mirrored : as in PairTransform, from the canvas of the middle section (the
    anchor) to this section's, about the canvas centre. metric, metric_before, overlap : medians over its pairs with the
    next section on both sides. residual_um : the median over all its pairs. reason : why it is not good, one sentence.
    by_hand : a person gave it this place.
    """

    section: str
    rotation_rad: float
    shift_x_um: float
    shift_y_um: float
    mirrored: bool
    metric: float | None
    metric_before: float | None
    overlap: float | None
    residual_um: float | None
    verdict: str
    reason: str = ""
    by_hand: bool = False


Placement = tuple[float, ...]
"""Where a picture lies: the six numbers a11, a12, tx, a21, a22, ty of a rigid map, in micrometres, from the thumbnail
as it was scanned, about its top left corner, to a canvas or a frame, about its centre."""


@dataclass(frozen=True)
class AlignmentEdit:
    """What a person said about the alignment: a row of `alignment_edit`.

    kind : "place": the section lies as the numbers say (as in SectionAlignment), and others do not follow it. "anchor":
    the same, and the sections around it follow smoothly. "follow": it lies as its neighbour `other` does. "leave_out":
    the pair of `other` (fixed) and `section` (moving) is not used. "pair": `section` lies on `other` as the numbers say
    (as in PairTransform). person : who said it. at : ISO 8601, UTC.

    What the numbers are about, as it was when they were said: frame : the section whose canvas they begin from, or the
    reference; "" where it is not known. placement : the section's picture on its canvas; None where it is not known.
    frame_sections : by key, pictures of sections in that frame, those first that say best where it lies; of a pair the
    fixed one's. See places_by_hand.py.
    """

    kind: str
    section: str
    other: str = ""
    rotation_rad: float = 0.0
    shift_x_um: float = 0.0
    shift_y_um: float = 0.0
    mirrored: bool = False
    person: str = ""
    at: str = ""
    frame: str = ""
    placement: Placement | None = None
    frame_sections: tuple[tuple[str, Placement], ...] = ()


EDIT_KINDS = ("place", "anchor", "follow", "leave_out", "pair")
KINDS_OF_PAIRS = ("leave_out", "pair")
"""Those that are about a pair; all others are about a section."""


@dataclass(frozen=True)
class ChannelGain:
    """A row of `gain`: what cleaning makes the sections of a channel bright by.

    channel : counted from 1. gain : every grey value is multiplied by it; None for a channel in colour. white : of
    that, the colour of its glass (red, green, blue), from 0 to 255. approved : True where a person keeps it as it is.
    """

    channel: int
    gain: float | None = None
    white: tuple[int, int, int] | None = None
    approved: bool = False


@dataclass(frozen=True)
class Contrast:
    """How a person wants a channel shown. channel : counted from 1. low, high : the grey values, as they were scanned,
    that are shown black and white. person, at : who said so, and when (ISO 8601, UTC)."""

    channel: int
    low: int
    high: int
    person: str = ""
    at: str = ""


@dataclass(frozen=True)
class TifFile:
    """One TIFF as it is on the disk. seconds : how long it took to make; None where that is not known here."""

    file_name: str
    width: int
    height: int
    file_size: int
    seconds: float | None = None


@dataclass(frozen=True)
class Ran:
    """One step that was run: a row of the log.

    channel : 0 where the stage has none. item : section key, slide or "". error : the sentence when it failed.
    started_at : ISO 8601, UTC. memory_gb : highest memory of the process so far. version : of brainstack and of the
    stage's algorithm, such as "0.1.0/3"; "" where it was run before it was kept.
    """

    stage: str
    channel: int
    item: str
    started_at: str
    seconds: float
    memory_gb: float
    host: str
    error: str = ""
    details: dict[str, str] = field(default_factory=dict)
    version: str = ""


@dataclass(frozen=True)
class Reviewer:
    """A person who may use the review page. role : "look", "edit" or "run". since : ISO 8601, UTC."""

    name: str
    role: str
    since: str
