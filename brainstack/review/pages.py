"""All pages of the review, with who may use them. A page that is not here does not exist."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from brainstack.errors import BrainstackError
from brainstack.review import (
    account_pages,
    alignment_page,
    contrast_page,
    masks_page,
    overview,
    problems_page,
    run_page,
    slides_page,
    tables_page,
)
from brainstack.review.asking import Asked, Page
from brainstack.review.slides_kept import slides_of
from brainstack.review.slides_view import see


def start(asked: Asked) -> Response:
    """The one animal that is served, or a list of them."""
    names = list(asked.desk.animals)
    if len(names) == 1:
        return RedirectResponse(f"/{names[0]}", 303)
    return asked.page("start.html", title="Animals")


def animal(asked: Asked) -> Response:
    """What there is of an animal, and the pages of it. What takes longer is asked for by the page."""
    return asked.page("animal.html", title=asked.animal.prep_id, card=overview.slides_card(see(asked.animal.prep_id)))


def animal_cards(asked: Asked) -> Response:
    """What there is on each page, and what needs a person there."""
    seen = see(asked.animal.prep_id)
    try:
        shown = overview.shown(seen, asked.animal.plan())
    except BrainstackError as error:
        shown = overview.without_plan(seen, error)
    slides_of(asked.animal.folder).make_ready(seen)  # most go there next
    return asked.page("animal_cards.html", shown=shown)


def animal_summary(asked: Asked) -> Response:
    """An animal in a few words, for the list of all."""
    try:
        found = overview.summary(see(asked.animal.prep_id))
    except BrainstackError as error:
        found = overview.Summary((), (str(error),))
    return asked.page("animal_summary.html", summary=found)


PAGES: tuple[Page, ...] = (
    Page("/", start),
    *account_pages.PAGES,
    *tables_page.PAGES,
    Page("/{animal}", animal),
    Page("/{animal}/overview/cards", animal_cards),
    Page("/{animal}/overview/summary", animal_summary),
    *slides_page.PAGES,
    *masks_page.PAGES,
    *alignment_page.PAGES,
    *contrast_page.PAGES,
    *problems_page.PAGES,
    *run_page.PAGES,
)
