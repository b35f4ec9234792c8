"""The one place that spells a path of an animal. It names; it reads and writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class AnimalFolder:
    """Where everything of one animal is: `root` is <data_root>/<prep_id>.

    Names with a number (preps/CH1/thumbnail_cleaned/012.tif) are links in section order, for people; the file
    itself is kept under the section's key below .brainstack, where a new order does not touch it.
    """

    root: Path

    @property
    def prep_id(self) -> str:
        return self.root.name

    @property
    def czi(self) -> Path:
        return self.root / "czi"

    @property
    def settings(self) -> Path:
        return self.root / "settings.toml"

    @property
    def inside(self) -> Path:
        return self.root / ".brainstack"

    # What is read from slides

    def meta(self, slide: str) -> Path:
        return self.inside / "meta" / f"{slide}.json"

    def tif(self, tif_name: str) -> Path:
        return self.root / "tif" / tif_name

    def tif_thumbnail(self, tif_name: str) -> Path:
        return self.root / "tif" / "thumbnail" / tif_name

    def scene_picture(self, tif_name: str) -> Path:
        return (self.root / "www" / "scene" / tif_name).with_suffix(".png")

    def slide_label(self, slide: str) -> Path:
        """The scanner's photograph of the label of a slide."""
        return self.slide_picture(slide, "label")

    def slide_preview(self, slide: str) -> Path:
        """The scanner's photograph of all of a slide."""
        return self.slide_picture(slide, "preview")

    def slide_picture(self, slide: str, picture: str) -> Path:
        """picture : "label" or "preview"."""
        return self.root / "www" / "slide" / f"{slide}_{picture}.png"

    # Images of sections: `kind` is the folder's name, such as "thumbnail_cleaned"

    def keyed(self, kind: str, key: str, channel: int | None = None, suffix: str = ".tif") -> Path:
        """Where the file itself is. channel : counted from 1; None for what all channels share (masks)."""
        return self.inside / self._place(channel) / kind / f"{key}{suffix}"

    def numbered(self, kind: str, number: int, channel: int | None = None) -> Path:
        """The link that people open. number : of the section in the stack now, from 0."""
        if kind == "web":
            return self.root / "www" / f"{number:03d}.png"
        if kind == "histogram":
            return self.root / "histogram" / self._place(channel) / f"{number:03d}.png"
        return self.root / "preps" / self._place(channel) / kind / f"{number:03d}.tif"

    def edit(self, key: str) -> Path:
        """The mask that a person made for a section, as brainstack keeps it."""
        return self.root / "preps" / "masks" / "edits" / f"{key}.tif"

    def edit_note(self, key: str) -> Path:
        """Who made it, and when, where they did so on the review page or by a command."""
        return self.edit(key).with_suffix(".json")

    @property
    def mask_model(self) -> Path:
        """What was learnt from the masks that people made: a model that proposes others."""
        return self.root / "preps" / "masks" / "model.json"

    @staticmethod
    def _place(channel: int | None) -> str:
        return "masks" if channel is None else f"CH{channel}"

    # Results of many sections

    @property
    def mask_areas(self) -> Path:
        return self.root / "preps" / "masks" / "areas.csv"

    @property
    def transforms(self) -> Path:
        return self.root / "preps" / "alignment" / "transforms.csv"

    def small(self, name: str) -> Path:
        """A small result of many sections, such as "canvas", as JSON."""
        return self.inside / "small" / f"{name}.json"

    def approved(self, name: str) -> Path:
        """What people approved of a small result."""
        return self.inside / "approved" / f"{name}.json"

    @property
    def alignment_metrics(self) -> Path:
        return self.root / "preps" / "alignment" / "metrics.csv"

    def alignment_picture(self, name: str) -> Path:
        """name : "shifts", "similarity", "pairs" or "views"."""
        return self.root / "preps" / "alignment" / f"{name}.png"

    def held(self, kind: str, key: str) -> Path:
        """What holds a section's place from outside. kind : "midline", "outline" or "reference"."""
        return self.inside / kind / f"{key}.json"

    def pair(self, pair: str) -> Path:
        """How a pair was registered. pair : "fixed..moving", both by key."""
        return self.inside / "pairs" / f"{pair}.json"

    def pair_in_force(self, pair: str) -> Path:
        """The same, once it was tried again where that was needed."""
        return self.inside / "pairs_in_force" / f"{pair}.json"

    def pair_finer(self, pair: str) -> Path:
        """The same, once it was refined on finer pictures than the thumbnails."""
        return self.inside / "pairs_finer" / f"{pair}.json"

    def deformation(self, key: str) -> Path:
        """The smooth field of a section, in micrometres, as numpy keeps an array; without a pixel where it has none."""
        return self.inside / "deformation" / f"{key}.npy"

    # What people look at

    def histogram(self, channel: int, name: str) -> Path:
        return self.root / "histogram" / f"CH{channel}" / f"{name}.png"

    @property
    def neuroglancer_data(self) -> Path:
        return self.root / "neuroglancer_data"

    def volume(self, channel: int, *, full: bool = False) -> Path:
        """The precomputed volume of a channel's thumbnails, or at the scan's resolution."""
        return self.neuroglancer_data / (f"C{channel}" if full else f"C{channel}T")

    def volume_layout(self, channel: int, *, full: bool = False) -> Path:
        """How brainstack laid out that volume, as JSON."""
        return self.small(f"volume_C{channel}" if full else f"volume_C{channel}T")

    def volume_records(self, channel: int, *, full: bool = False) -> Path:
        """The folder of what was written of a volume."""
        return self.inside / self._place(channel) / ("volume_full" if full else "volume")

    def volume_record(self, channel: int, item: str, *, full: bool = False) -> Path:
        """Which chunks were written of a piece of a volume. item : such as "002" for a slab."""
        return self.volume_records(channel, full=full) / f"{item}.json"

    def volume_part(self, channel: int, piece: str, block: str, *, full: bool = False) -> Path:
        """The chunks of a block until they are joined to shards. block : such as "3_7"."""
        return self.volume_parts(channel, full=full) / piece / f"{block}.part"

    def volume_parts(self, channel: int, *, full: bool = False) -> Path:
        """The folder of what is not joined to shards yet."""
        return self.inside / self._place(channel) / ("parts_full" if full else "parts")

    # Labels and meshes

    def labels(self, layer: str) -> Path:
        """What a layer of labels is made from, as JSON."""
        return self.root / "labels" / f"{layer}.json"

    def labels_found(self, layer: str) -> Path:
        """The polygons that the database had for a layer when they were last taken in."""
        return self.inside / "labels" / f"{layer}.json"

    def label_volume(self, layer: str) -> Path:
        """A layer of labels as Neuroglancer reads it, with its meshes. layer : "shell", or one that somebody named."""
        return self.neuroglancer_data / layer

    def other_mesh(self, layer: str, variant: str) -> Path:
        """Meshes of a layer that were made otherwise. variant : such as "mip_1_err_20"."""
        return self.neuroglancer_data / f"{layer}_mesh_{variant}"

    def mesh_cost(self, layer: str, variant: str) -> Path:
        """What meshes of a layer cost, as JSON. variant : such as "mip_1_err_20"."""
        return self.mesh_costs(layer) / f"{variant}.json"

    def mesh_costs(self, layer: str) -> Path:
        """The folder of what meshes of a layer cost."""
        return self.inside / "mesh_costs" / layer

    def mesh_seconds(self, layer: str) -> Path:
        """How long a layer's own meshes took, as JSON."""
        return self.mesh_costs(layer) / "own_seconds"

    def mesh_table(self, layer: str) -> Path:
        """What all meshes of a layer cost, as CSV."""
        return self.neuroglancer_data / f"{layer}_meshes.csv"

    # Points

    def points(self, layer: str, suffix: str = ".csv") -> Path:
        """What a layer of points is made from: a CSV, or as JSON what is to be taken from the database."""
        return self.root / "points" / f"{layer}{suffix}"

    def points_found(self, layer: str) -> Path:
        """What the database had of a layer when it was last taken in, as CSV."""
        return self.inside / "points" / f"{layer}.csv"

    def annotations(self, layer: str) -> Path:
        """A layer of points as Neuroglancer reads it."""
        return self.neuroglancer_data / layer

    def slab(self, channel: int, item: str) -> Path:
        """Which sections there are in a slab of the volume at the scan's resolution."""
        return self.inside / self._place(channel) / "slabs" / f"{item}.json"

    # What is made for other programs

    @property
    def exports(self) -> Path:
        return self.root / "export"

    def export(self, name: str) -> Path:
        """What people take away, a file or a folder. name : such as "DK39_aligned_thumbnail.ome.zarr"."""
        return self.exports / name

    def export_table(self, name: str) -> Path:
        """Which section is where in an export, as CSV."""
        return self.exports / f"{name}.csv"

    @property
    def export_pieces(self) -> Path:
        """The folder of what exports take of each section."""
        return self.inside / "export"

    def export_piece(self, kind: str, name: str) -> Path:
        """What exports take of a section. kind : such as "zarr_thumbnail". name : the section's key, with a suffix."""
        return self.export_pieces / kind / name

    # What the lab's scripts left, where brainstack has its own

    def lab(self, path: Path) -> Path:
        """Where a file of the lab is kept that stood where brainstack's should be."""
        preps = self.root / "preps"
        return preps / "lab" / path.relative_to(preps if path.is_relative_to(preps) else self.root)

    def lab_tifs(self, tif_name: str) -> tuple[Path, ...]:
        """Other names that the lab gave a TIFF: below preps, and with one underscore for two."""
        plain = tif_name.replace("__", "_")
        later = self.root / "preps" / "tif"
        return (self.tif(plain), later / tif_name, later / plain)

    def lab_masks(self, channel: int) -> tuple[Path, ...]:
        """Folders in which the lab kept its masks, the latest layout first. channel : that the masks are made from."""
        masks = self.root / "preps" / "masks"
        first = self.root / "preps" / "thumbnail_masked"
        return (masks / f"CH{channel}" / "thumbnail_masked", self.lab(masks / "thumbnail_masked"), first)

    @property
    def adopted(self) -> Path:
        """Which of the lab's masks is whose: number -> section key."""
        return self.inside / "adopted.json"

    # The report

    @property
    def report(self) -> Path:
        """One page about the animal, made anew by every run."""
        return self.root / "report" / f"{self.prep_id}.html"

    @property
    def report_pictures(self) -> Path:
        """The small pictures of the last report, so that the next one need not make them again."""
        return self.inside / "report_pictures.json"

    # What was run

    @property
    def stamps(self) -> Path:
        return self.inside / "stamps"

    @property
    def records(self) -> Path:
        return self.inside / "records"

    @property
    def order(self) -> Path:
        """Which section had which number when links were last made."""
        return self.inside / "order.json"

    @property
    def failed(self) -> Path:
        """What failed in the last run, with the sentence of each."""
        return self.inside / "failed.json"

    @property
    def last_run(self) -> Path:
        """When the last run began and ended, and how."""
        return self.inside / "last_run.json"

    @property
    def seen(self) -> Path:
        """Size, time and content of the files that people may edit, as brainstack last saw them."""
        return self.inside / "seen.json"

    @property
    def lock(self) -> Path:
        return self.inside / "lock"

    @property
    def edits_lock(self) -> Path:
        """Held for the moment in which a person's mask is kept."""
        return self.inside / "edits.lock"

    @property
    def jobs(self) -> Path:
        """Arrays of jobs on a cluster, and what they used."""
        return self.inside / "jobs"

    @property
    def driver(self) -> Path:
        """What luigid calls the process that drives the run, or drove the last one."""
        return self.inside / "driver"

    def log(self, run: str) -> Path:
        return self.inside / "logs" / f"{run}.log"
