"""Which volumes, and which of the files that brainstack keeps of them, are needed: for `brainstack tidy`."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

from brainstack.plan import Plan
from brainstack.stages import STAGES
from brainstack.stamps import Step

INFO_STAGES = {False: "NeuroglancerInfo", True: "FullInfo"}
"""Full resolution or not -> the stage that lays out a volume."""
STAGES_OF_VOLUMES = {
    *("NeuroglancerInfo", "NeuroglancerImage", "Downsampling"),
    *("FullInfo", "FullSlab", "FullImage", "FullShards", "FullDownsampling"),
}
EARLIER = "NeuroglancerImage"
"""The stage that an earlier brainstack made all of a volume by, and stamped without a slab."""

VOLUME = re.compile(r"C(?P<channel>\d+)(?P<thumbnails>T?)")
LAYOUT = re.compile(r"volume_C\d+T?")
CHANNEL = re.compile(r"CH(?P<channel>\d+)")
PIECE = re.compile(r"(?P<item>\d{3,}(\.\d{3,})?|shards(\.\d{3,})?|levels)(\.json)?")

GONE = "sections or channels that are gone"

Piece = tuple[str, str, str]
"""Channel, folder of the records, and what of the volume: a slab "002", a group of it "002.004", "shards", "levels"."""


class VolumeFiles:
    """Of the volumes of an animal, and of what is noted of their pieces, what is needed."""

    def __init__(self, plan: Plan, steps: Collection[Step], stamped: Collection[Step]) -> None:
        """steps : all that there are, those that are asked for too. stamped : those that have a stamp.

        Where slides are not read yet nobody knows how many sections there will be, and all is needed.
        """
        self._folder, self._stamped = plan.folder, set(stamped)
        self._is_partly_read = any(file.slide not in plan.slides for file in plan.czi_files)
        self._laid_out = {step for step in steps if step.stage in INFO_STAGES.values()}
        records = {full: plan.folder.volume_records(1, full=full).name for full in (False, True)}
        self._records_of = {name: name for name in records.values()}
        for full, name in records.items():
            self._records_of[plan.folder.volume_part(1, "x", "y", full=full).parent.parent.name] = name
        self._slabs = plan.folder.slab(1, "x").parent.name
        self._records_of[self._slabs] = self._slabs
        paths = (
            path for one in steps if one.stage in STAGES_OF_VOLUMES for path in STAGES[one.stage].outputs(plan, one)
        )
        self._pieces = {piece for path in paths if (piece := self._piece_of(path)) is not None}
        self._pieces |= {(channel, records[False], "shards") for channel, _, _ in self._pieces}

    def is_needed_step(self, step: Step) -> bool:
        """True of a step that may be had again, or that says whose a volume is until it is laid out anew."""
        if step.stage not in STAGES_OF_VOLUMES:
            return False
        info = Step(INFO_STAGES[False], step.channel)
        is_earlier = step == Step(EARLIER, step.channel) and info not in self._stamped
        return self._is_partly_read or (is_earlier and info in self._laid_out)

    def why_not_needed(self, path: Path) -> str:
        """Why a volume, or a file that is noted of one, is no longer needed; empty for one that is, and for others."""
        if self._is_ours(path) or self._is_layout(path):
            return "" if self.is_known(path) else GONE
        piece = self._piece_of(path)
        return GONE if piece is not None and not self.is_known(path) else ""

    def is_known(self, path: Path) -> bool:
        """True for what belongs to a volume of brainstack's that is needed."""
        if self._is_ours(path):
            return self._is_partly_read or self._info_of(path) in self._laid_out
        if self._is_layout(path):
            return self._is_partly_read or any(
                path == self._folder.volume_layout(one.channel, full=one.stage == INFO_STAGES[True])
                for one in self._laid_out
            )
        piece = self._piece_of(path)
        return piece is not None and (self._is_partly_read or piece in self._pieces)

    def _info_of(self, path: Path) -> Step | None:
        """The step that lays out the volume in folder `path`; None where that is no place of a volume."""
        name = VOLUME.fullmatch(path.name) if path.parent == self._folder.neuroglancer_data else None
        return Step(INFO_STAGES[not name["thumbnails"]], int(name["channel"])) if name else None

    def _is_ours(self, path: Path) -> bool:
        """True for a volume that brainstack made, as its stamps say, or that it was making when it was killed."""
        info = self._info_of(path)
        if info is None:
            return False
        is_full = info.stage == INFO_STAGES[True]
        made = {info} if is_full else {info, Step(EARLIER, info.channel)}
        return bool(made & self._stamped) or self._folder.volume_layout(info.channel, full=is_full).exists()

    def _is_layout(self, path: Path) -> bool:
        return path.parent == self._folder.small("x").parent and bool(LAYOUT.fullmatch(path.stem))

    def _piece_of(self, path: Path) -> Piece | None:
        """Of what piece a file below .brainstack is a record, or a part."""
        if not path.is_relative_to(self._folder.inside):
            return None
        place, kind, name, *_ = (*path.relative_to(self._folder.inside).parts, "", "", "")
        channel, item = CHANNEL.fullmatch(place), PIECE.fullmatch(name)
        if kind not in self._records_of or channel is None or item is None:
            return None
        return channel["channel"], self._records_of[kind], item["item"]
