"""Why a step is not done, in words, and what the next run would make again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from brainstack.approval import known_value
from brainstack.mask_approvals import Held, waiting
from brainstack.plan import Plan, gathered_name, input_name, is_gathered
from brainstack.progress import Progress
from brainstack.stages import STAGES, Input
from brainstack.stamps import Stamp, Step

NEW = "new"
"""In place of an input's digest: it will be another one."""
OPEN = "open"
"""In place of an input's digest: the input may be made again, and may come out the same."""


@dataclass(frozen=True)
class Reason:
    """sentence : why this very step is made again. kind : the same of all steps like it, without their items.

    sure : False where it hangs on how something else comes out; the words then follow an "if". follows : True where
    it is only that something before it is made again, which has a reason of its own.
    """

    sentence: str
    kind: str
    sure: bool = True
    follows: bool = False


@dataclass(frozen=True)
class Outlook:
    """What the next run does with a step. reasons : none where it does nothing, the surest first.

    same : True where its result will be the one that its stamp speaks of.
    """

    reasons: tuple[Reason, ...] = ()
    same: bool = True

    @property
    def is_made(self) -> bool:
        return any(reason.sure for reason in self.reasons)


class Forecast:
    """What a run of a plan would make, as far as can be said before anything is made."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self._outlooks: dict[Step, Outlook] = {}

    def outlook(self, step: Step) -> Outlook:
        if step not in self._outlooks:
            self._outlooks[step] = Outlook() if self.progress.is_done(step) else self._look(step)
        return self._outlooks[step]

    def _look(self, step: Step) -> Outlook:
        plan, stamp = self.progress.plan, self.progress.stamps.read(step)
        outputs = STAGES[step.stage].outputs(plan, step)
        if stamp is None:
            begun = bool(outputs) and all(path.exists() for path in outputs)
            return Outlook((_just("it was not finished" if begun else "never made"),), same=False)
        tokens = {one: self._token(one) for one in plan.inputs(step)}
        if changes := tuple(sorted(self._changes(step, stamp, tokens), key=lambda reason: not reason.sure)):
            return Outlook(changes, same=False)
        if missing := next((path for path in outputs if not path.exists()), None):
            return Outlook((Reason(f"its output is missing: {missing}", "the output is missing"),))
        if step.stage == "Meta" and step.item not in plan.slides:
            return Outlook((_just("the database does not have it"),))
        return Outlook()

    def _token(self, one: Input) -> str:
        """The digest that an input will have, or NEW, or OPEN."""
        if not one.part and (known := known_value(self.progress.plan, one.step)) is not None:
            return known
        outlook, stamp = self.outlook(one.step), self.progress.stamps.read(one.step)
        if stamp is None:
            return OPEN
        if outlook.same:
            return stamp.of(one.part)
        return NEW if outlook.is_made and one.part not in stamp.values else OPEN

    def _changes(self, step: Step, stamp: Stamp, tokens: Mapping[Input, str]) -> Iterator[Reason]:
        """How what a step would be made from differs from what it was made from."""
        was, plan = stamp.ingredients, self.progress.plan
        if not was:
            yield _just("it was made by an earlier brainstack, which did not note of what")
            return
        own, read = plan.own_ingredients(step), plan.input_ingredients(step, tokens)
        for name, now in own.items():
            if was.get(name) != now:
                change = own_change(name, was.get(name), now)
                is_fact = name != "version" and not name.startswith("[")  # of which each step has its own
                yield Reason(change, f"{name} changed" if is_fact else change)
        for name in was:
            if name not in own and name not in read:
                yield _just(f"{name} is not used any more")
        gathered: dict[str, list[Input]] = {}
        for one in tokens:
            if is_gathered(step, one):
                gathered.setdefault(gathered_name(one), []).append(one)
            elif reason := _input_change(one, was.get(input_name(one)), read[input_name(one)], tokens[one]):
                yield reason
        for name, inputs in gathered.items():
            if reason := _gathered_change(inputs, was.get(name), read[name], tokens):
                yield reason


def _just(sentence: str) -> Reason:
    return Reason(sentence, sentence)


def own_change(name: str, was: str | None, now: str) -> str:
    """Of the version, a setting or a fact."""
    if name == "version":
        return "a new version of the stage"
    name = f"setting {name}" if name.startswith("[") else name
    if was is None:
        return f"{name} is new"
    if was.startswith("#") or now.startswith("#"):
        return f"{name} changed"
    return f"{name} changed from {_value(was)} to {_value(now)}"


def _value(text: str) -> str:
    return "none" if text == "null" else text


def _input_change(one: Input, was: str | None, now: str, token: str) -> Reason | None:
    stage = one.step.stage
    if was is None:
        return Reason(f"it reads {one.step} now", f"{stage} is read now")
    if token == OPEN:
        return Reason(f"{one.step} comes out differently", f"{stage} comes out differently", sure=False, follows=True)
    if token == NEW:
        return Reason(f"{one.step} is made again", f"{stage} is made again", follows=True)
    return Reason(f"{one.step} came out differently", f"{stage} came out differently") if was != now else None


def _gathered_change(inputs: list[Input], was: str | None, now: str, tokens: Mapping[Input, str]) -> Reason | None:
    stage, count = inputs[0].step.stage, len(inputs)
    if was is None:
        return _just(f"{stage} is read now")
    was_count, was_names, was_contents = was.split(" ")
    _, names, contents = now.split(" ")
    if names != was_names:
        return _just(f"it is made from {count} {stage}, before from {was_count}" if was_count != str(count)
                     else f"it is made from {count} {stage}, but others than before")  # fmt: skip
    if new := [one for one in inputs if tokens[one] == NEW]:
        return Reason(f"{_several(new)} made again", f"{stage} is made again", follows=True)
    if opened := [one for one in inputs if tokens[one] == OPEN]:
        words = "comes out differently" if len(opened) == 1 else "any of them, comes out differently"
        return Reason(f"{_names(opened)} {words}", f"{stage} comes out differently", sure=False, follows=True)
    return _just(f"one of {count} {stage} came out differently") if contents != was_contents else None


def _several(inputs: list[Input]) -> str:
    return f"{_names(inputs)} {'is' if len(inputs) == 1 else 'are'}"


def _names(inputs: list[Input]) -> str:
    first = str(inputs[0].step)
    return first if len(inputs) == 1 else f"{first} and {len(inputs) - 1} more"


APPROVED = Reason("all masks are approved, for which it waits", "all masks are approved", sure=False)


class NextRun:
    """The next run: it tries again what failed in the last one, so that all that waits for it may be made."""

    def __init__(self, progress: Progress) -> None:
        plan = progress.plan
        self._plan = plan
        self._now = Forecast(progress)
        self._all = Forecast(Progress(plan.without(()), progress.stamps)) if plan.failed else self._now
        self._held = Held(self._all.progress, is_waiting=bool(waiting(plan, progress.stamps)))

    @property
    def plan(self) -> Plan:
        """What it sets out to make."""
        return self._all.progress.plan

    def outlook(self, step: Step) -> Outlook:
        found = self._outlook(step)
        return Outlook((APPROVED,), same=False) if found.reasons and self.waits(step) else found

    def waits(self, step: Step) -> bool:
        """True for what is not made before people have approved all masks."""
        return self._held.holds(step)

    def _outlook(self, step: Step) -> Outlook:
        if step in self._plan.failed:
            return Outlook((_just("it failed in the last run and is tried again"),), same=False)
        if not self._plan.failed or not (outlook := self._all.outlook(step)).reasons:
            return self._all.outlook(step)
        if (cause := self._plan.blocked_by(step)) is not None:
            kind = f"{cause.stage}, which failed, can be made"
            held_up = Reason(f"{cause}, which failed, can be made", kind, sure=False, follows=True)
            return Outlook((held_up,), same=False)
        now = self._now.outlook(step)
        if now.reasons:
            return now
        return Outlook(tuple(Reason(f"what failed can be made: {one.sentence}", "what failed can be made", False, True)
                             for one in outlook.reasons), same=False)  # fmt: skip

    def groups(self) -> list[Group]:
        """What it makes and why, all steps of one reason together, the sure ones first."""
        groups: dict[tuple[bool, str, bool], dict[str, int]] = {}
        for step in (step for stage in STAGES for step in self.plan.steps(stage)):
            if reasons := self.outlook(step).reasons:
                first = reasons[0]
                stages = groups.setdefault((first.sure, first.kind, first.follows), {})
                stages[step.stage] = stages.get(step.stage, 0) + 1
        found = [Group(sure, kind, stages, follows) for (sure, kind, follows), stages in groups.items()]
        return sorted(found, key=lambda one: not one.sure)

    def summary(self) -> list[str]:
        """The same in lines, as people read it."""
        slides = self.unread_slides
        unread = [f"and all that follows from {slides} slide{'s' * (slides > 1)} not read yet"] if slides else []
        return [*map(str, self.groups()), *unread]

    @property
    def unread_slides(self) -> int:
        """How many slides it reads first: what follows from them is not known yet."""
        return sum(step.item not in self.plan.slides for step in self.plan.steps("Meta"))


@dataclass(frozen=True)
class Group:
    """Steps that the next run makes for one reason. sure : False where it hangs on how something else comes out.
    stages : how many steps of each. follows : as a reason has it."""

    sure: bool
    kind: str
    stages: Mapping[str, int]
    follows: bool = False

    @property
    def count(self) -> int:
        """How many steps."""
        return sum(self.stages.values())

    def __str__(self) -> str:
        """Such as "next run: Gain 2, Web 8 (setting [gain] target changed from 0.8 to 0.5)"."""
        return f"{'next run' if self.sure else 'perhaps'}: {self.words}"

    @property
    def words(self) -> str:
        counted = ", ".join(f"{stage} {count}" for stage, count in self.stages.items())
        return f"{counted} ({'' if self.sure else 'if '}{self.kind})"


def steps_of_section(plan: Plan, key: str) -> list[Step]:
    """What is made of a section, of its slide and of its pairs."""
    section = next(one for one in plan.sections if one.key == key)
    return [step for stage in STAGES for step in plan.steps(stage) if _is_about(step, key, section.slide)]


def _is_about(step: Step, key: str, slide: str) -> bool:
    return step.item == slide or key in step.item.split("..")


def sentences(outlook: Outlook) -> str:
    """All reasons: "will be made: ..., ...", or "may be made: if ..., if ..."."""
    if outlook.is_made:
        return "will be made: " + "; ".join(_sentences(one for one in outlook.reasons if one.sure))
    return "may be made: " + "; ".join(f"if {one}" for one in _sentences(outlook.reasons)) if outlook.reasons else ""


def _sentences(reasons: Iterable[Reason]) -> list[str]:
    return list(dict.fromkeys(reason.sentence for reason in reasons))
