"""The status of an animal as data: what is done, failed and stale, what to do about it, and how the last run ended.

An overview is quick, also for tens of animals; the whole status also says why each step is stale. Both are shown by
status_screen.py and status_of_all.py, and written as JSON by status_json.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from brainstack.alignment_report import doubtful_sections, places_in_doubt
from brainstack.approval import differences
from brainstack.as_typed import as_typed
from brainstack.asked_for import stale_asked
from brainstack.brightness import doubts
from brainstack.disk_space import Sizes, sizes_of
from brainstack.errors import BrainstackError
from brainstack.last_run import LastRun, outcome_of, read_last_run
from brainstack.locking import holder_of
from brainstack.mask_approvals import Held, waiting
from brainstack.mask_areas import doubtful_masks, rows_in_doubt
from brainstack.mending import again, mending_of
from brainstack.plan import Plan
from brainstack.planning import progress_of
from brainstack.progress import Progress
from brainstack.records import Channel
from brainstack.slide_notes import heading
from brainstack.stages import STAGES
from brainstack.stamps import Step
from brainstack.why import Group, NextRun, sentences

FULL_STAGES = ("FullClean", "FullAlignment", "FullImage", "FullShards", "FullDownsampling")
DONE, FAILED, BLOCKED, STALE, TO_DO = "done", "failed", "blocked", "stale", "to do"
"""States of a step, as `Progress` has them."""
UNKNOWN = "unknown"
"""The state of an animal of which nothing can be said."""

Counts = Mapping[tuple[str, int], Counter[str]]
"""Of each stage and channel (0 for none): how many steps have each state."""


@dataclass(frozen=True)
class Trouble:
    """A step that failed, or is stale. number : of its section in the stack now; None where it is of no section.
    sentence : what was found, or why it is made again. command : what mends it. file : to be opened, or ""."""

    step: Step
    number: int | None
    sentence: str
    command: str
    file: str = ""

    @property
    def key(self) -> str | None:
        """Of its section, or of the second one of a pair; None where it is of no section."""
        return None if self.number is None else self.step.item.split("..")[-1]


@dataclass(frozen=True)
class Doubt:
    """A section that a person should look at. what : "mask" or "place". command : where to begin."""

    what: str
    key: str
    number: int
    command: str


@dataclass(frozen=True)
class Overview:
    """An animal in a row. holder : who runs it now, "" for nobody. outcome : how the last run ended, "" for none.
    waits : True where nothing can be made before people have approved masks. stale_asked : of what was asked for by a
    command of its own, made, and is not as it should be: that command -> how many steps."""

    prep_id: str
    channels: tuple[Channel, ...]
    slides: int
    sections: int
    gaps: int
    copies: int
    counts: Counts
    failed: tuple[Trouble, ...]
    doubtful: tuple[Doubt, ...]
    last_run: LastRun | None
    outcome: str
    holder: str
    waits: bool = False
    stale_asked: Mapping[str, int] = field(default_factory=dict)

    def count(self, state: str) -> int:
        """How many steps have a state."""
        return sum(states[state] for states in self.counts.values())

    @property
    def steps(self) -> int:
        return sum(states.total() for states in self.counts.values())

    @property
    def state(self) -> str:
        """The worst of what there is."""
        if self.failed:
            return FAILED
        if self.stale_asked:
            return STALE
        found = [state for state in (STALE, BLOCKED, TO_DO) if self.count(state)]
        return found[0] if found else DONE if self.steps else TO_DO

    @property
    def is_whole(self) -> bool:
        """True where all is made that is made without being asked for."""
        return self.steps > 0 and self.count(DONE) == self.steps

    @property
    def next_command(self) -> str:
        """What to type next."""
        if self.failed:
            return f"brainstack status {self.prep_id}"
        if self.state == DONE:
            return f"brainstack view {self.prep_id}"
        if self.waits:
            return f"brainstack review {self.prep_id}"
        if self.is_whole:
            return next(iter(self.stale_asked))
        return usual_command(self.prep_id)


@dataclass(frozen=True)
class Status:
    """All that is known of an animal. stale : each step that was made and is not as it should be. groups : what the
    next run makes, and why; summary : the same in lines. unread_slides : how many slides it reads first.
    warnings : sentences. full : how far each channel is at the scan's resolution, where somebody asked for that:
    channel -> stage -> states."""

    overview: Overview
    stale: tuple[Trouble, ...]
    groups: tuple[Group, ...]
    summary: tuple[str, ...]
    unread_slides: int
    warnings: tuple[str, ...]
    full: Mapping[int, Mapping[str, Counter[str]]]
    sizes: Sizes

    @property
    def stale_asked(self) -> tuple[Trouble, ...]:
        """Of what is stale, what is made only when somebody asks for it."""
        usual = {stage for stage, _ in self.overview.counts}
        return tuple(one for one in self.stale if one.step.stage not in usual)

    @property
    def is_full_done(self) -> bool:
        return all(states[DONE] == states.total() for stages in self.full.values() for states in stages.values())


def usual_command(prep_id: str, *, full: bool = False) -> str:
    """What makes all that a usual run makes. full : at the scan's resolution too."""
    return as_typed(f"luigi --module tasks Animal --animal {prep_id}{' --resolution full' if full else ''}")


def overview_of(plan: Plan, failed: Mapping[Step, str], progress: Progress | None = None) -> Overview:
    """failed : what failed in the last run, with the sentence of each."""
    progress, holder, last_run = progress or progress_of(plan), holder_of(plan.folder), read_last_run(plan.folder)
    counts: dict[tuple[str, int], Counter[str]] = {}
    open_steps = []
    for step in (step for stage in STAGES for step in plan.steps(stage)):
        state = progress.state(step)
        counts.setdefault((step.stage, step.channel), Counter())[state] += 1
        if state in (STALE, TO_DO):
            open_steps.append(step)
    held = Held(progress, is_waiting=bool(open_steps) and bool(waiting(plan, progress.stamps)))
    return Overview(
        prep_id=plan.folder.prep_id,
        channels=plan.channels,
        slides=len({plan.slide_number(file) for file in plan.czi_files}),
        sections=len(plan.sections),
        gaps=sum(one.gap for one in plan.sections),
        copies=sum(one.copy > 0 for one in plan.sections),
        counts=counts,
        failed=failures(plan, {step: sentence for step, sentence in failed.items() if not progress.is_done(step)}),
        doubtful=tuple(_doubtful(plan)),
        last_run=last_run,
        outcome=outcome_of(last_run, holder) if last_run else "",
        holder=holder,
        waits=bool(open_steps) and all(held.holds(step) for step in open_steps),
        stale_asked=Counter(as_typed(again(plan, step)) for step in stale_asked(progress)),
    )


def status_of(plan: Plan, failed: Mapping[Step, str]) -> Status:
    progress = progress_of(plan)
    next_run = NextRun(progress)
    return Status(
        overview=overview_of(plan, failed, progress),
        stale=tuple(_stale(progress, next_run)),
        groups=tuple(next_run.groups()),
        summary=tuple(next_run.summary()),
        unread_slides=next_run.unread_slides,
        warnings=(
            *heading(plan)[1:],
            *waiting(plan, progress.stamps),
            *doubtful_masks(plan),
            *doubtful_sections(plan),
            *differences(plan),
            *doubts(plan, progress.stamps),
        ),
        full=_full(progress),
        sizes=sizes_of(plan),
    )


def failures(plan: Plan, failed: Mapping[Step, str]) -> tuple[Trouble, ...]:
    """What failed in the last run and is still to be made, and masks of people that cannot be used; in order."""
    refused = {Step("Masks", 0, key): sentence for key, sentence in plan.refused.items()}
    found = {step: sentence for step, sentence in (dict(failed) | refused).items() if plan.has(step)}
    return tuple(_trouble(plan, step, sentence) for step, sentence in sorted(found.items(), key=_place))


def _place(one: tuple[Step, str]) -> tuple[int, int, str]:
    step = one[0]
    return (list(STAGES).index(step.stage), step.channel, step.item)


def _trouble(plan: Plan, step: Step, sentence: str) -> Trouble:
    mending = mending_of(plan, step, sentence)
    return Trouble(step, _number(plan, step), sentence, as_typed(mending.command), mending.file)


def _number(plan: Plan, step: Step) -> int | None:
    """Of the section, or of the second one of a pair."""
    section = plan.section.get(step.item.split("..")[-1])
    return None if section is None else section.number


def _stale(progress: Progress, next_run: NextRun) -> list[Trouble]:
    plan, found = progress.plan, []
    steps = [step for stage in STAGES for step in plan.steps(stage) if progress.state(step) == STALE]
    for step in (*steps, *stale_asked(progress)):
        words = sentences(next_run.outlook(step)) or "stays as it is, as what it reads will come out the same"
        command = f"brainstack review {plan.folder.prep_id}" if next_run.waits(step) else as_typed(again(plan, step))
        found.append(Trouble(step, _number(plan, step), words, command))
    return found


def _doubtful(plan: Plan) -> list[Doubt]:
    review = f"brainstack review {plan.folder.prep_id}"
    masks = [plan.section[one.key] for one in rows_in_doubt(plan)]
    try:
        places = [plan.section[one.section] for one in places_in_doubt(plan)]
    except BrainstackError:  # a person saved the table otherwise: the warnings say so
        places = []
    found = [Doubt("mask", one.key, one.number, review) for one in masks]
    return [*found, *(Doubt("place", one.key, one.number, review) for one in places)]


def _full(progress: Progress) -> dict[int, dict[str, Counter[str]]]:
    """How far each channel is at the scan's resolution, where anybody asked for that."""
    plan, found = progress.plan, {}
    for channel in plan.channels:
        stages = {}
        for stage in FULL_STAGES:
            steps = [one for one in plan.asked(stage) if one.channel in (0, channel.number)]
            if any(progress.stamps.read(one) is not None for one in steps):
                stages[stage] = Counter(progress.state(step) for step in steps)
        if stages:
            found[channel.number] = stages
    return found
