"""What is no longer needed of an animal: found by the plan, and deleted when a person says so.

Only what brainstack made or adopted is ever deleted; what people made and what it does not know is listed and left.
"""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from brainstack.animal_folder import AnimalFolder
from brainstack.edits import MADE_BY
from brainstack.exports import section_of_piece
from brainstack.labels import SHELL
from brainstack.locking import locked, parts_of
from brainstack.plan import Plan
from brainstack.planning import look, make_plan, read_failed, take_in
from brainstack.stages import STAGES, mesh_parts
from brainstack.stamps import Stamps, Step
from brainstack.tidying_volumes import GONE, VolumeFiles

NEWEST_LOGS = 20
NAMES = 5  # of files that are named in a line
UNITS = ("bytes", "kB", "MB", "GB", "TB")

TIF = re.compile(r"(?P<slide>.+)_S\d+_C(?P<channel>\d+)")
SLIDE_PICTURE = re.compile(r"(?P<slide>.+)_(label|preview)")
NUMBER = re.compile(r"\d{3,}")


@dataclass(frozen=True)
class Leftover:
    """A file, link or folder that is no longer needed. size : in bytes."""

    path: Path
    why: str
    size: int


@dataclass
class Tidying:
    """What there is to tidy. stamps : of steps that the plan no longer has. edits : what people made, which is kept.
    foreign : what brainstack does not know, which is kept: folder -> number of files and bytes."""

    leftovers: list[Leftover] = field(default_factory=list)
    stamps: list[Step] = field(default_factory=list)
    edits: list[Path] = field(default_factory=list)
    foreign: dict[Path, tuple[int, int]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return sum(one.size for one in self.leftovers)


@contextmanager
def searched(prep_id: str, *, dry: bool) -> Iterator[tuple[Plan, Tidying]]:
    """What is no longer needed of an animal, whose lock is held until it is dealt with. What people edited is taken in
    first, so that none of it is lost; dry : it is only looked at.

    Raises BrainstackError for an unknown animal, or one that is being run.
    """
    plan = make_plan(prep_id)
    with locked(plan.folder):
        plan = look(prep_id).without(()) if dry else take_in(prep_id)[0]
        yield plan, find_leftovers(plan, read_failed(plan.folder))


def find_leftovers(plan: Plan, failed: Iterable[Step] = ()) -> Tidying:
    """Look what is no longer needed. For whoever holds the animal's lock, with all edits taken in.

    failed : steps that failed in the last run, which the others went on without.
    """
    return _Search(plan, plan.without(failed)).found()


def delete_leftovers(plan: Plan, tidying: Tidying) -> None:
    """Delete it; stopped in the middle, the rest is found again."""
    for one in tidying.leftovers:
        if one.path.is_dir() and not one.path.is_symlink():
            shutil.rmtree(one.path)
        else:
            one.path.unlink(missing_ok=True)
    stamps = Stamps(plan.folder.stamps)
    for step in tidying.stamps:
        stamps.remove(step)
    stamps.pack()
    for parent in sorted({one.path.parent for one in tidying.leftovers}, reverse=True):
        while parent != plan.folder.root and parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()
            parent = parent.parent


LAYER_STAGES = ("PointVolume", "Shell", "NeuroglancerMesh", "DifferentMesh")
"""Those that make a folder of their own beside the volumes."""


class _Search:
    """One walk over an animal's folder, by what the plan has and what the stamps say brainstack made."""

    def __init__(self, plan: Plan, last: Plan) -> None:
        """last : the plan as the last run went on."""
        self._plan, self._folder = plan, plan.folder
        self._keys = {section.key for section in plan.sections}  # of gaps too: they may be taken back
        self._unread = {file.slide for file in plan.czi_files} - set(plan.slides)
        self._steps = {step for one in (plan, last) for stage in STAGES for step in one.steps(stage)}
        self._steps |= {step for stage in STAGES for step in plan.asked(stage)}
        stamped = Stamps(plan.folder.stamps).steps()
        self._steps |= {step for step in stamped if step.stage == "DifferentMesh" and self._has_layer(step)}
        self._outputs = {path for step in self._steps for path in STAGES[step.stage].outputs(plan, step)}
        self._outputs |= {plan.folder.scene_picture(path.name) for path in self._outputs if self._is_tif(path)}
        self._keyed = {path.parent for path in self._outputs if path.is_relative_to(plan.folder.inside)}
        self._volumes = VolumeFiles(plan, self._steps, stamped)
        self._slides = {(step.item, str(step.channel)) for step in stamped if step.stage == "Tifs"}
        self._gone = [step for step in stamped if not self._is_needed_step(step)]
        self._asked = _outside(plan, (step for step in stamped if step.stage == "SingleHistogram"))
        self._left = _outside(plan, self._gone)
        self._layers, self._layers_gone = _layers(plan, self._steps), _layers(plan, self._gone)
        if self._unread:  # without a section there is no shell, and there may be some when they are read
            self._layers, self._layers_gone = self._layers | self._layers_gone, set()
        self._tables = {plan.folder.mesh_table(layer) for layer in (SHELL, *plan.labels)}
        self._parts, self._logs = set(parts_of(plan.folder)), _old_logs(plan.folder)

    def _has_layer(self, step: Step) -> bool:
        """Whether there is the layer that a mesh is another one of."""
        layer, _, _ = mesh_parts(step.item)
        return layer in self._plan.labels or layer == SHELL

    def found(self) -> Tidying:
        tidying = Tidying(stamps=sorted(self._gone))
        foreign: dict[Path, list[int]] = defaultdict(list)
        links = []
        for path in [*sorted(self._parts), *self._walk()]:
            if path.is_symlink() and path not in self._parts and not self._is_tif(path):
                links.append(path)
            elif why := self._why_not_needed(path):
                tidying.leftovers.append(Leftover(path, why, _size(path)))
            elif self._is_edit(path):
                tidying.edits.append(path)
            elif not self._is_known(path):
                foreign[self._place_of(path)].append(_size(path))
        gone = {one.path for one in tidying.leftovers}
        for path in links:
            target = Path(os.path.normpath(path.parent / path.readlink()))
            if self._is_own_link(path, target) and (target in gone or not target.exists()):
                tidying.leftovers.append(Leftover(path, "links that lead nowhere", 0))
        tidying.foreign = {place: (len(sizes), sum(sizes)) for place, sizes in sorted(foreign.items())}
        return tidying

    def _walk(self) -> Iterator[Path]:
        """Files and links, but those of the czi folder; a volume as a whole."""
        for parent, folders, files in os.walk(self._folder.root):
            here = Path(parent)
            if here == self._folder.root and self._folder.czi.name in folders:
                folders.remove(self._folder.czi.name)
            whole = {
                name
                for name in folders
                if here in (self._folder.neuroglancer_data, self._folder.exports)
                or here.parent == self._folder.export_pieces
                or (here / name).is_symlink()
                or here / name in self._parts
            }
            folders[:] = sorted(set(folders) - whole)
            yield from (here / name for name in sorted({*whole, *files}) if here / name not in self._parts)

    # What is not needed

    def _is_needed_step(self, step: Step) -> bool:
        """True where the plan has the step, or may have it again: of a gap, or of a slide that is not read yet."""
        if step in self._steps or step.item in self._unread or self._volumes.is_needed_step(step):
            return True
        key = step.item.partition(":")[0]  # of a SingleHistogram, which no plan has
        channels = {0, *(one.number for one in self._plan.channels)}
        is_unasked = key not in self._plan.section or step.stage == "SingleHistogram"
        return key in self._keys and is_unasked and step.channel in channels and step.stage in STAGES

    def _why_not_needed(self, path: Path) -> str:
        """Why a file of brainstack's own is no longer needed; empty for one that is, or that is not its own."""
        if path in self._parts:
            return "left half written by a run that was killed"
        if path in self._logs:
            return "old logs"
        name = TIF.fullmatch(path.stem)
        if path in self._outputs or (name and name["slide"] in self._unread):
            return ""
        if path in self._left:
            return GONE
        if path in self._layers_gone:
            return "layers of points or labels that are gone"
        if name and (self._is_tif(path) or path.parent == self._folder.scene_picture("x").parent):
            if (name["slide"], name["channel"]) not in self._slides:
                return ""
            is_scanned = any(file.slide == name["slide"] for file in self._plan.czi_files)
            return "scenes that are gone" if is_scanned else "slides that are gone, from which it cannot be made again"
        if self._is_slide_picture(path):
            return "" if self._is_of_a_slide(path) else "slides that are gone"
        return self._volumes.why_not_needed(path) or self._why_not_needed_inside(path)

    def _why_not_needed_inside(self, path: Path) -> str:
        """Of a file in .brainstack, where what has the right name in the right place is brainstack's."""
        folder, place = self._folder, path.parent
        if place == folder.meta("x").parent and path.suffix == ".json":
            return "" if path.stem in self._unread else "slides that are gone"
        if place in (folder.pair("x..y").parent, folder.pair_in_force("x..y").parent) and ".." in path.stem:
            return "pairs of sections that are no longer near each other"
        if place == folder.small("x").parent and re.fullmatch(r"(gain|white_point)_C\d+", path.stem):
            return GONE
        if place.parent == folder.export_pieces:
            return "" if section_of_piece(path.name) in self._keys else GONE
        is_image = place.parent.parent == folder.inside and re.fullmatch(r"CH\d+|masks", place.parent.name)
        if not is_image or place.name not in {one.name for one in self._keyed} or not path.stem.startswith("slide"):
            return ""
        return "" if place in self._keyed and path.stem in self._keys else GONE

    # What is needed, a person's, or brainstack's link

    def _is_tif(self, path: Path) -> bool:
        return path.parent in (self._folder.tif("x").parent, self._folder.tif_thumbnail("x").parent)

    def _is_slide_picture(self, path: Path) -> bool:
        is_there = path.parent == self._folder.slide_label("x").parent
        return is_there and path.suffix == ".png" and bool(SLIDE_PICTURE.fullmatch(path.stem))

    def _is_of_a_slide(self, path: Path) -> bool:
        """Of a slide picture: True where the scan is there, also of a slide that is marked as bad."""
        name = SLIDE_PICTURE.fullmatch(path.stem)
        return any(name is not None and file.slide == name["slide"] for file in self._plan.czi_files)

    def _is_known(self, path: Path) -> bool:
        """True for what brainstack knows and keeps."""
        folder = self._folder
        if self._is_slide_picture(path) or self._volumes.is_known(path):
            return True
        if path in self._outputs or path in self._asked or path in self._layers or path == folder.settings:
            return True
        if path.parent.parent == folder.export_pieces:
            return True
        own = {folder.inside, folder.stamps, folder.stamps / "new", folder.records, folder.log("x").parent}
        own |= {folder.approved("x").parent, folder.points("x").parent, folder.points_found("x").parent}
        own |= {folder.labels("x").parent, folder.labels_found("x").parent, folder.report.parent}
        if path.is_relative_to(folder.mesh_costs("x").parent) or path in self._tables:
            return True
        of_a_gap = path.parent in self._keyed and path.stem in self._keys
        return path.parent in own or of_a_gap or path.stem in self._unread

    def _is_edit(self, path: Path) -> bool:
        """True for a mask that a person made, taken in or refused."""
        if path.parent == self._folder.edit("x").parent:
            return True
        places = {self._folder.numbered(kind, 0).parent for kind in MADE_BY}
        return path.parent in places and bool(NUMBER.fullmatch(path.stem) or path.stem.startswith("slide"))

    def _is_own_link(self, path: Path, target: Path) -> bool:
        """A numbered name that leads to where brainstack keeps files; the place may be of a channel that is gone."""
        ours = (self._folder.inside, self._folder.tif("x").parent)
        return bool(NUMBER.fullmatch(path.stem)) and any(target.is_relative_to(place) for place in ours)

    def _place_of(self, path: Path) -> Path:
        """What a file that brainstack does not know is listed under."""
        lab = self._folder.lab(self._folder.root)
        if path.is_relative_to(lab):
            return lab
        return path if path.is_dir() else path.parent


def _outside(plan: Plan, steps: Iterable[Step]) -> set[Path]:
    """What these steps left outside .brainstack: histograms."""
    stages = ("ChannelHistogram", "SingleHistogram")
    return {path for step in steps if step.stage in stages for path in STAGES[step.stage].outputs(plan, step)}


def _layers(plan: Plan, steps: Iterable[Step]) -> set[Path]:
    """The folders of layers of points, labels and meshes that these steps make."""
    data = plan.folder.neuroglancer_data
    made = [path for step in steps if step.stage in LAYER_STAGES for path in STAGES[step.stage].outputs(plan, step)]
    return {data / path.relative_to(data).parts[0] for path in made if path.is_relative_to(data)}


def _old_logs(folder: AnimalFolder) -> set[Path]:
    """All but the newest; their names begin with the time."""
    logs = folder.log("x").parent
    kinds = "*.log", "*.out"  # of runs, and what those said that the review page started
    return {path for kind in kinds for path in sorted(logs.glob(kind))[:-NEWEST_LOGS]}


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if not path.is_dir() or path.is_symlink():
        return path.lstat().st_size
    return sum((Path(parent) / name).lstat().st_size for parent, _, names in os.walk(path) for name in names)


# What is told


def show(folder: AnimalFolder, tidying: Tidying, console: Console) -> None:
    """Print what is no longer needed, by why and folder, with sizes and a total, and what is kept."""
    groups: dict[tuple[str, Path], list[Leftover]] = defaultdict(list)
    for one in tidying.leftovers:
        groups[(one.why, one.path.parent)].append(one)
    for why in sorted({why for why, _ in groups}):
        _say(console, f"{why}:")
        for (_, parent), some in sorted((group, some) for group, some in groups.items() if group[0] == why):
            names = ", ".join(one.path.name for one in some[:NAMES]) + (" ..." if len(some) > NAMES else "")
            together = readable(sum(one.size for one in some))
            _say(console, f"  {len(some)} in {parent.relative_to(folder.root)}, {together}: {names}")
    if tidying.stamps:
        stages = Counter(step.stage for step in tidying.stamps)
        _say(console, f"stamps of steps that are gone: {', '.join(f'{n} {stage}' for stage, n in stages.items())}")
    if tidying.edits:
        _say(console, f"kept, masks that people made: {len(tidying.edits)}")
    for place, (count, size) in tidying.foreign.items():
        _say(console, f"kept, not brainstack's: {count} in {place.relative_to(folder.root)}, {readable(size)}")
    _say(console, f"no longer needed: {len(tidying.leftovers)} files, {readable(tidying.size)}")


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def readable(size: int) -> str:
    """A number of bytes, for people."""
    number, unit = float(size), 0
    while number >= 1000 and unit < len(UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{number:.3g} {UNITS[unit]}"
