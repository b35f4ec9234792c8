"""What there is of an animal, and what on each page needs a person's eyes: a card a page."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from brainstack.database import open_database
from brainstack.environment import database_url
from brainstack.errors import BrainstackError
from brainstack.last_run import local_time, outcome_of, read_last_run
from brainstack.locking import holder_of
from brainstack.mask_approvals import is_required, not_approved
from brainstack.plan import Plan
from brainstack.planning import failed_still, read_failed
from brainstack.progress import Progress
from brainstack.review.slide_notices import lost_in, notices_of
from brainstack.review.slides_view import Seen
from brainstack.said import VERDICT_WORDS
from brainstack.stamps import Stamps
from brainstack.status import Overview, overview_of

MOST_SENTENCES = 5


@dataclass(frozen=True)
class Card:
    """A page. path : below the animal's. lines : what there is. needs : what a person should look at, in sentences."""

    path: str
    title: str
    lines: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Summary:
    """An animal in a few words, for the list of all. needs : as in Card."""

    lines: tuple[str, ...]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """The overview of an animal. failed : what failed, with the command that mends it. trouble : why there is no plan
    of it, "" where there is one."""

    cards: tuple[Card, ...]
    failed: tuple[tuple[str, str], ...] = ()
    trouble: str = ""
    more: str = ""


def summary(seen: Seen) -> Summary:
    """Quick: of the database, the folder of slides and what the last run left."""
    plan = seen.plan
    failed = len(read_failed(plan.folder))
    needs = (*_slides_needs(seen), *((f"{_count(failed, 'step')} failed in the last run",) if failed else ()))
    return Summary((_sections(plan), _last_run(plan)), needs)


def slides_card(seen: Seen) -> Card:
    """Also of an animal of which no plan can be made."""
    plan = seen.plan
    verdicts = Counter(VERDICT_WORDS[scene.qc] for slide in plan.slides.values() for scene in slide.scenes)
    verdicts["dropped"] = sum(len(scenes) for scenes in seen.dropped.values())
    words = [f"{verdicts[word]} {word}" for word in (*VERDICT_WORDS[1:], "dropped") if verdicts[word]]
    slides = len({plan.slide_number(file) for file in plan.czi_files})
    scenes = f"{_count(slides, 'slide')}, {_count(verdicts.total(), 'scene')}{': ' if words else ''}{', '.join(words)}"
    return Card("slides", "Slides", (scenes, _sections(plan)), tuple(_slides_needs(seen)))


def shown(seen: Seen, plan: Plan) -> Shown:
    """plan : the whole one. Takes a second or two of a large animal."""
    progress = Progress(plan, Stamps(plan.folder.stamps))
    overview = overview_of(plan, failed_still(progress), progress)
    cards = (
        slides_card(seen),
        _masks(plan, overview, progress),
        _alignment(plan, overview),
        Card("contrast", "Contrast", tuple(f"channel {one.number} {one.name}".strip() for one in plan.channels)),
        _problems(plan),
        _run(plan, overview),
    )
    failed = tuple((one.sentence, one.command) for one in overview.failed)
    more = f"and {len(failed) - MOST_SENTENCES} more; see Run"
    return Shown(cards, failed[:MOST_SENTENCES], more=more if len(failed) > MOST_SENTENCES else "")


def _masks(plan: Plan, overview: Overview, progress: Progress) -> Card:
    missing = not_approved(plan, progress.stamps)
    lines = [f"{len(plan.section) - len(missing)} of {len(plan.section)} masks approved"]
    lines += [f"{_count(len(plan.edits), 'mask')} made by people"] if plan.edits else []
    needs = [_look(_numbers(overview, "mask"), "mask is doubtful", "masks are doubtful")]
    needs += [f"{_count(len(plan.refused), 'mask')} that a person made cannot be used" if plan.refused else ""]
    needs += [
        f"cleaning waits until {_count(len(missing), 'mask')} more are approved"
        if missing and is_required(plan)
        else ""
    ]
    return Card("masks", "Masks", tuple(lines), tuple(filter(None, needs)))


def _alignment(plan: Plan, overview: Overview) -> Card:
    lines = [f"{_count(len(plan.chain), 'section')} to be aligned"]
    by_hand = [one for one in plan.records.alignment_edits if one.kind != "leave_out"]
    lines += [f"{len(by_hand)} placed by people"] if by_hand else []
    lines += [f"{_count(len(plan.left_out), 'pair')} left out"] if plan.left_out else []
    need = _look(_numbers(overview, "place"), "section is doubtful", "sections are doubtful")
    return Card("alignment", "Alignment", tuple(lines), (need,) if need else ())


def _problems(plan: Plan) -> Card:
    with open_database(database_url()) as database:
        entries = database.notes(plan.folder.prep_id)
    still_open = sum(not one.completed for one in entries)
    needs = (f"{_count(still_open, 'problem')} open",) if still_open else ()
    return Card("problems", "Problems", (f"{len(entries)} noted" if entries else "nothing noted",), needs)


def _run(plan: Plan, overview: Overview) -> Card:
    lines = (f"{overview.count('done')} of {overview.steps} steps are done", _last_run(plan))
    needs = [f"{_count(overview.count(state), 'step')} {words}" for state, words in (
        ("failed", "failed"), ("stale", "stale: what they were made of has changed"), ("to do", "not made yet"),
    ) if overview.count(state)]  # fmt: skip
    return Card("run", "Run", lines, tuple(needs))


def _slides_needs(seen: Seen) -> list[str]:
    plan, lost = seen.plan, lost_in(seen.plan)
    unread = sum(file.slide not in plan.slides or not plan.slides[file.slide].channels for file in plan.czi_files)
    open_questions = sum(any(one.choices for one in notices_of(plan, slide, lost)) for slide in plan.slides.values())
    needs = [f"{_count(unread, 'slide')} not read"] if unread else []
    needs += [f"{_count(open_questions, 'slide')} with something to settle"] if open_questions else []
    return needs + ([f"{_count(len(plan.rescanned), 'slide')} scanned several times"] if plan.rescanned else [])


def _sections(plan: Plan) -> str:
    gaps, copies = sum(one.gap for one in plan.sections), sum(one.copy > 0 for one in plan.sections)
    words = [_count(len(plan.sections), "section")]
    words += [_count(gaps, "gap")] if gaps else []
    words += ["1 copy" if copies == 1 else f"{copies} copies"] if copies else []
    return ", ".join(words)


def _last_run(plan: Plan) -> str:
    run, holder = read_last_run(plan.folder), holder_of(plan.folder)
    if holder:
        return f"is run now, by {holder}"
    if run is None:
        return "was not run yet"
    return f"last run: {local_time(run.started_at)}, {outcome_of(run, holder)}"


def _numbers(overview: Overview, what: str) -> list[int]:
    return [one.number for one in overview.doubtful if one.what == what]


def _look(numbers: list[int], one: str, several: str) -> str:
    if not numbers:
        return ""
    listed = ", ".join(map(str, numbers[:MOST_SENTENCES])) + (" ..." if len(numbers) > MOST_SENTENCES else "")
    return f"{len(numbers)} {one if len(numbers) == 1 else several}: {listed}"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'s' * (number != 1)}"


def without_plan(seen: Seen, error: BrainstackError) -> Shown:
    """Where a person has to mend something before there is a plan."""
    names = ("masks", "alignment", "contrast", "problems", "run")
    cards = (slides_card(seen), *(Card(name, name.capitalize()) for name in names))
    return Shown(cards, trouble=str(error))
