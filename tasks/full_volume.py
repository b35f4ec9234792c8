"""The volume at the scan's resolution: FullInfo, FullSlab, FullImage, FullShards and FullDownsampling."""

from __future__ import annotations

import json

from brainstack.disk_space import check_room
from brainstack.files.whole import write_json
from brainstack.plan import Plan
from brainstack.stamps import Step
from brainstack.volume_pieces import group_count, groups_of_piece, slab_sections
from tasks import current
from tasks.base import ChannelTask, PieceTask
from tasks.full_sections import FullSections
from tasks.volumes import Volume, finish, join, prepare, write_blocks


class FullInfo(ChannelTask):
    """Lays out the volume of a channel at the scan's resolution, and makes room for it."""

    def make(self, plan: Plan, step: Step) -> dict[str, str]:
        check_room(current.progress(self.animal), ("FullDownsampling",), step.channel)
        return prepare(Volume(plan, step.channel, full=True))


class FullSlab(PieceTask):
    """Waits for the sections of a slab, for all the pieces of the volume that are made from them, and notes which of
    them there are."""

    def make(self, plan: Plan, step: Step) -> None:
        there = {one.step.item for one in plan.inputs(step)}
        sections = [one for one in slab_sections(plan, int(step.item)) if one.key in there]
        write_json(plan.folder.slab(step.channel, step.item), {one.number: one.key for one in sections})


class FullImage(PieceTask):
    """Renders a group of blocks of a slab, straight from the tiles of the scans, with the levels that fit into them."""

    def make(self, plan: Plan, step: Step) -> None:
        volume, (slab, piece) = Volume(plan, step.channel, full=True), step.item.split(".")
        noted = json.loads(plan.folder.slab(step.channel, slab).read_text())
        groups = groups_of_piece(int(piece), group_count(plan), volume.layout.groups)
        with FullSections(volume, {int(slot): key for slot, key in noted.items()}) as sections:
            write_blocks(volume, step, int(slab), groups, sections.render)


class FullShards(PieceTask):
    """Joins what was written of a group of blocks, in all slabs, to shards. Plain chunks lie where they belong."""

    def make(self, plan: Plan, step: Step) -> None:
        volume = Volume(plan, step.channel, full=True)
        groups = groups_of_piece(int(step.item), group_count(plan), volume.layout.groups)
        join(volume, groups, [one.step.item for one in plan.inputs(step)], name=f"shards.{step.item}")


class FullDownsampling(ChannelTask):
    """Makes the levels of the volume at the scan's resolution that do not fit into blocks."""

    def make(self, plan: Plan, step: Step) -> None:
        finish(Volume(plan, step.channel, full=True))
