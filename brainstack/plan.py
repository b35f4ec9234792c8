"""The plan of an animal: which sections there are, what each step needs and makes, and what its stamp should be.

Pure: it is computed from the database's records, the settings, the slides' names and people's edits. What a stage
reads and writes is in stages/; here is what follows from it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from brainstack.animal_folder import AnimalFolder
from brainstack.errors import BrainstackError
from brainstack.given_pairs import given_pair, pair_of
from brainstack.labels import LabelSource
from brainstack.records import AlignmentEdit, AnimalRecords, Channel, GivenPair, Section, Slide, Turns
from brainstack.settings import Settings
from brainstack.slide_names import CziFile, slide_number, slide_rescan
from brainstack.stack import ADDS, middle_of, scans_in_use, stack_of
from brainstack.stages import STAGES, Input
from brainstack.stamps import Stamps, Step, digest


@dataclass(frozen=True)
class Plan:
    """See the module. edits : section key -> digest of the mask a person made. refused : section key -> the sentence
    that says why a person's edit cannot be used. approved : name of a small result -> what people approved of it.
    failed : steps that failed in this run, which the others go on without. mask_model : digest of the model that
    proposes masks, "" where there is none. points : layer of points -> digest of what it is made from.
    labels : layer of labels -> what it is made from. approved_masks : section key -> digest of the mask that a person
    approved.
    """

    folder: AnimalFolder
    records: AnimalRecords
    settings: Settings
    czi_files: tuple[CziFile, ...]
    edits: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    approved: Mapping[str, Any] = field(default_factory=dict)
    failed: frozenset[Step] = frozenset()
    mask_model: str = ""
    points: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, LabelSource] = field(default_factory=dict)
    approved_masks: Mapping[str, str] = field(default_factory=dict)

    def without(self, failed: Iterable[Step]) -> Plan:
        """The same plan, going on without these steps."""
        return replace(self, failed=frozenset(failed))

    # What there is

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """All slots in order, gaps included."""
        return stack_of(self.slides_in_use.values(), self.records.histology, self.settings.slides.scene_order)

    @cached_property
    def section(self) -> Mapping[str, Section]:
        """Sections by key, without gaps."""
        return {section.key: section for section in self.sections if not section.gap}

    @cached_property
    def slides(self) -> Mapping[str, Slide]:
        """Slides that Meta has read, by name."""
        known = {file.slide for file in self.czi_files}
        return {_stem(slide): slide for slide in self.records.slides if _stem(slide) in known}

    @cached_property
    def slides_in_use(self) -> Mapping[str, Slide]:
        """The scans that sections are taken from, by name: one of each slide, and those that add scenes to it."""
        return {_stem(slide): slide for slide in scans_in_use(self.slides.values())}

    @cached_property
    def rescanned(self) -> tuple[tuple[Slide, tuple[Slide, ...]], ...]:
        """Of each slide that was scanned several times, the scan in use and the others."""
        return tuple(
            (used, others)
            for used in self.slides_in_use.values()
            if used.rescan_use != ADDS
            and (others := tuple(one for one in self._passed_over if one.number == used.number))
        )

    @property
    def _passed_over(self) -> tuple[Slide, ...]:
        return tuple(slide for name, slide in self.slides.items() if name not in self.slides_in_use)

    @cached_property
    def is_colour(self) -> bool:
        """True where the sections are colour scans (bright field: thionin, Nissl). Raises BrainstackError for a mix."""
        names = dict.fromkeys(section.slide for section in self.section.values())
        colour = [name for name in names if self.slides[name].pixel_type == COLOUR]
        if 0 < len(colour) < len(names):
            grey = next(name for name in names if name not in colour)
            raise BrainstackError(
                f"{self.folder.prep_id} has slides in colour (such as {colour[0]}) and in grey (such as {grey}); "
                "wanted one kind in an animal: mark those of the other kind with `brainstack animal set "
                f"{self.folder.prep_id} --slide NUMBER --status Bad`, or take them out of the folder."
            )
        return bool(colour)

    def slide_number(self, file: CziFile) -> int:
        return slide_number(file.name, self.settings)

    def slide_rescan(self, file: CziFile) -> int:
        return slide_rescan(file.name, self.settings)

    @cached_property
    def channels(self) -> tuple[Channel, ...]:
        """Of the slides in use, but for a bad one that is in colour where the others are not, or the other way."""
        found: dict[int, Channel] = {}
        for slide in self.slides_in_use.values():
            for channel in slide.channels if (slide.pixel_type == COLOUR) == self.is_colour else ():
                found.setdefault(channel.number, channel)
        return tuple(found[number] for number in sorted(found))

    @property
    def pixel_type(self) -> str:
        """Of the scans' pixels, or of each of their three samples: "uint8" or "uint16"."""
        types = {self.slides[section.slide].pixel_type for section in self.section.values()}
        return "uint8" if types <= {GREY_8, COLOUR} else "uint16"

    @property
    def is_narrowed(self) -> bool:
        """True where a volume has 8 bit of the scans' 16, as JPEG has no more."""
        return self.settings.neuroglancer.encoding == "jpeg" and self.pixel_type == "uint16"

    @property
    def pixel_size_um(self) -> float:
        """Side of a thumbnail's pixel in micrometres."""
        resolution_um = self.records.scan_run.resolution_um
        if resolution_um is None:
            raise BrainstackError(
                f"No CZI of {self.folder.prep_id} says how large a pixel is; "
                f"give it with `brainstack animal set {self.folder.prep_id} --pixel-size-um UM`."
            )
        return resolution_um * self.settings.tifs.thumbnail_factor

    def turns(self, key: str) -> Turns:
        """How the pictures of a section are turned: as a person said of its scene, else of the animal."""
        return self.own_turns.get(key, self.records.scan_run.turns)

    @cached_property
    def own_turns(self) -> Mapping[str, Turns]:
        """Of the sections whose scenes are turned in a way of their own, by key."""
        own = {(name, scene.number): scene.turns for name, slide in self.slides_in_use.items()
               for scene in slide.scenes if scene.turns is not None}  # fmt: skip
        return {key: own[one.slide, one.scene] for key, one in self.section.items() if (one.slide, one.scene) in own}

    @cached_property
    def chain(self) -> tuple[str, ...]:
        """Keys of the sections that are aligned, in order: those whose cleaned image can be had."""
        channel = self.settings.elastix.channel
        return tuple(key for key in self.section if not self.is_blocked(Step("Clean", channel, key)))

    @cached_property
    def pairs(self) -> tuple[Step, ...]:
        """The Elastix steps: each section of the chain with the next, and with those beyond as far as pairs reach."""
        return tuple(
            Step("Elastix", 0, f"{fixed}..{moving}")
            for place, fixed in enumerate(self.chain)
            for moving in self.chain[place + 1 : place + 1 + self.settings.elastix.reach]
        )

    @cached_property
    def pairs_by_hand(self) -> Mapping[str, AlignmentEdit]:
        """What a person said of how a pair lies, by pair as in its step."""
        return {pair_of(one, list(self.section)): one for one in self.records.pairs_by_hand}

    @cached_property
    def by_hand(self) -> Mapping[str, GivenPair]:
        """Transforms that a person gave, by pair as in its step, from canvases as they were then."""
        return {pair: given_pair(one, pair) for pair, one in self.pairs_by_hand.items()}

    @cached_property
    def left_out(self) -> frozenset[str]:
        """Pairs that a person wants unused, as in their steps."""
        edits = [one for one in self.records.alignment_edits if one.kind == "leave_out"]
        return frozenset(pair_of(one, list(self.section)) for one in edits)

    @cached_property
    def anchor(self) -> int:
        """Place in the chain of the section that stays as it is: the one nearest the middle slot of the stack."""
        middle = middle_of(self.sections)
        return min(range(len(self.chain)), key=lambda i: (abs(self.section[self.chain[i]].number - middle), i))

    @cached_property
    def place_in_chain(self) -> Mapping[str, int]:
        """Of each section that is aligned, by key."""
        return {key: place for place, key in enumerate(self.chain)}

    def is_fine(self, pair: str) -> bool:
        """Whether elastix refines a pair, as its two sections are near enough. pair : "fixed..moving"."""
        fixed, moving = (self.place_in_chain[key] for key in pair.split(".."))
        return moving - fixed <= self.settings.elastix.fine_reach

    # What a step needs

    def steps(self, stage: str) -> tuple[Step, ...]:
        """All steps of a stage that this animal has, failed and blocked ones too."""
        if stage not in self._steps:
            self._steps[stage] = tuple(STAGES[stage].per(self, stage))
        return self._steps[stage]

    @cached_property
    def _steps(self) -> dict[str, tuple[Step, ...]]:
        return {}

    def asked(self, stage: str) -> tuple[Step, ...]:
        """All steps of a stage that are made only when somebody asks for them."""
        if stage not in self._asked:
            self._asked[stage] = tuple(STAGES[stage].asked(self, stage))
        return self._asked[stage]

    @cached_property
    def _asked(self) -> dict[str, tuple[Step, ...]]:
        return {}

    def has(self, step: Step) -> bool:
        return step in self.steps(step.stage) or step in self.asked(step.stage)

    def inputs(self, step: Step) -> tuple[Input, ...]:
        """What a step reads; of inputs that are gathered from many sections, those that can be had."""
        if step not in self._inputs:
            wanted = STAGES[step.stage].inputs(self, step)
            self._inputs[step] = tuple(one for one in wanted if one.needed or not self.is_blocked(one.step))
        return self._inputs[step]

    @cached_property
    def _inputs(self) -> dict[Step, tuple[Input, ...]]:
        return {}

    def is_blocked(self, step: Step) -> bool:
        """True when a step failed in this run, or cannot be made because one that it needs failed."""
        return self.blocked_by(step) is not None

    def blocked_by(self, step: Step) -> Step | None:
        """The failed step that keeps this one from being made."""
        if step not in self._blocked:
            self._blocked[step] = self._find_blocking(step)
        return self._blocked[step]

    @cached_property
    def _blocked(self) -> dict[Step, Step | None]:
        return {}

    def _find_blocking(self, step: Step) -> Step | None:
        if step in self.failed:
            return step
        if not self.failed:
            return None
        wanted = list(STAGES[step.stage].inputs(self, step))
        for one in wanted:
            if one.needed and (cause := self.blocked_by(one.step)) is not None:
                return cause
        gathered = [one.step for one in wanted if not one.needed]
        if gathered and all(self.is_blocked(other) for other in gathered):
            return self.blocked_by(gathered[0])
        if step.stage == "Transforms" and not self.chain:
            return min(self.failed)
        if step.stage == "Alignment" and step.item not in self.place_in_chain:
            return self.blocked_by(Step("Clean", self.settings.elastix.channel, step.item))
        return None

    # What a stamp should be

    def expected(self, step: Step, stamps: Stamps) -> str:
        """The digest that the stamp of a step has when its output is as it should be. Its inputs must be there."""
        return digest_of(step, self.ingredients(step, stamps))

    def ingredients(self, step: Step, stamps: Stamps) -> dict[str, str]:
        """What a step is made from, now: each thing by its name, as a short word that differs when the thing does.
        Its inputs must be there."""
        tokens = {}
        for one in self.inputs(step):
            stamp = stamps.read(one.step)
            if stamp is None:
                raise RuntimeError(f"{step} was asked for before {one.step} was made")
            tokens[one] = stamp.of(one.part)
        return {**self.own_ingredients(step), **self.input_ingredients(step, tokens)}

    def own_ingredients(self, step: Step) -> dict[str, str]:
        """Those that are no inputs: the version, the settings and the facts."""
        stage = STAGES[step.stage]
        facts = {name: short(value) for name, value in stage.facts(self, step).items()}
        return {"version": str(stage.version), **self._settings_of(stage.settings), **facts}

    def input_ingredients(self, step: Step, tokens: Mapping[Input, str]) -> dict[str, str]:
        """The inputs. tokens : the digest of each. Those that a stage gathers have one name together."""
        found: dict[str, str] = {}
        gathered: dict[str, list[Input]] = {}
        for one in tokens:
            if is_gathered(step, one):
                gathered.setdefault(gathered_name(one), []).append(one)
            else:
                found[input_name(one)] = tokens[one][:SHORT]
        for name, inputs in gathered.items():
            names = digest([[one.step.channel, one.step.item, one.part] for one in inputs])
            contents = digest([tokens[one] for one in inputs])
            found[name] = f"{len(inputs)} {names[:SHORT]} {contents[:SHORT]}"
        return found

    def _settings_of(self, names: tuple[str, ...]) -> dict[str, str]:
        if names not in self._used_settings:
            self._used_settings[names] = {
                f"[{table}] {key}": short(value)
                for table, _, one in (name.partition(".") for name in names)
                for key, value in getattr(self.settings, table).model_dump(mode="json").items()
                if one in ("", key)
            }
        return self._used_settings[names]

    @cached_property
    def _used_settings(self) -> dict[tuple[str, ...], dict[str, str]]:
        return {}


GREY_8 = "Gray8"
"""The pixel type of a slide in grey with 8 bit; most have 16."""

COLOUR = "Bgr24"
"""The pixel type of a slide in colour."""

SHORT = 12
"""Digits of a digest that are kept of each ingredient."""


def digest_of(step: Step, ingredients: Mapping[str, str]) -> str:
    """The digest that a step made from these has in its stamp."""
    return digest([step.stage, step.channel, step.item, ingredients])


def short(value: Any) -> str:
    """A value itself, where that is short, so that people can be told; else a word for it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 2 * SHORT else f"#{digest(value)[:SHORT]}"


def is_gathered(step: Step, one: Input) -> bool:
    """True for one of many of a kind that a step for the whole animal or channel reads."""
    return bool(one.step.item) and not step.item


def input_name(one: Input) -> str:
    return f"{one.step} of {one.part}" if one.part else str(one.step)


def gathered_name(one: Input) -> str:
    return f"all {Step(one.step.stage, one.step.channel)}"


def slot_named(plan: Plan, name: str) -> Section:
    """A slot of the stack, gaps included, by its key or its number. Raises BrainstackError where there is none."""
    if name in plan.section:
        return plan.section[name]
    for section in plan.sections:
        if name == section.key or (name.isdigit() and int(name) == section.number):
            return section
    if not plan.sections:
        raise BrainstackError(
            f"The slides of {plan.folder.prep_id} were not read yet, so that no section is known; read them: luigi "
            f"--module tasks Meta --animal {plan.folder.prep_id}"
        )
    raise BrainstackError(
        f"{plan.folder.prep_id} has no section {name!r}; wanted a key such as {plan.sections[0].key} "
        f"or a number from 0 to {len(plan.sections) - 1}."
    )


def section_named(plan: Plan, name: str) -> Section:
    """A section that has images, by its key or its number. Raises BrainstackError where there is none."""
    section = slot_named(plan, name)
    if section.gap:
        raise BrainstackError(
            f"Section {name} of {plan.folder.prep_id} is marked as bad and has no image; name another one, or say that "
            f"it is good: `{_good_again(plan, section)}`; `brainstack slides {plan.folder.prep_id} --history` lists "
            "what was said."
        )
    return section


def _good_again(plan: Plan, gap: Section) -> str:
    """The command that takes back what makes a slot a gap: of its whole slide, where that is bad, else of its scene."""
    slide = plan.slides[gap.slide]
    scene = f" --scene {gap.scene}" if slide.status == "Good" else ""
    scans = [one for one in plan.slides.values() if one.number == slide.number]
    rescan = f" --rescan {slide.rescan}" if len(scans) > 1 else ""
    return f"brainstack slide {plan.folder.prep_id} {slide.number}{scene}{rescan} --good"


def _stem(slide: Slide) -> str:
    return slide.file_name.removesuffix(".czi")
