"""`brainstack review`: the web page on which people check an animal and mend it."""

from __future__ import annotations

import re
import sys
from typing import Annotated
from urllib.parse import urlsplit

import typer

from brainstack.errors import BrainstackError

PORT = 8765
LOOPBACK = "127.0.0.1"


def register(app: typer.Typer) -> None:
    """app : of brainstack."""
    app.command()(review)


def review(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="of animals, such as DK39; without one, all animals")
    ] = None,
    port: Annotated[int, typer.Option(help="of this computer; 0 for any that is free")] = PORT,
    host: Annotated[str, typer.Option(help="address that is listened at; other than this computer's own it needs "
                                           "--accounts")] = LOOPBACK,
    accounts: Annotated[bool, typer.Option("--accounts", help="people log in with a name and a password, which "
                                           "`brainstack reviewer add` gives them; no token in the link")] = False,
    public_url: Annotated[str, typer.Option(help="where others reach it, through the lab's own web server, such as "
                                                 "https://review.example.org")] = "",
) -> None:  # fmt: skip
    """Serve the page on which people check an animal and mend it, and print its link. Needs no internet."""
    from brainstack import aligning
    from brainstack.database import create_or_upgrade
    from brainstack.environment import database_url
    from brainstack.planning import make_plan
    from brainstack.review.access import AccountGate, Gate, TokenGate
    from brainstack.review.animals import Animals
    from brainstack.review.app import make_app
    from brainstack.review.asking import Desk
    from brainstack.review.serving import ReviewServer
    from brainstack.review.tables_page import tables_at

    public_url = _checked_public_url(public_url)
    if accounts:
        _check_reviewers()
    elif host not in (LOOPBACK, "localhost") or public_url:
        raise BrainstackError(
            f"{'--public-url' if public_url else f'--host {host}'} would show the page to others, who could all do "
            "everything; give people a name and a password (brainstack reviewer add NAME) and start it with --accounts."
        )
    create_or_upgrade(database_url())
    for name in names or ():
        make_plan(name)  # says so where there is no such animal, or none that can be shown
    server = ReviewServer(host=host, port=port)
    gate: Gate = AccountGate() if accounts else TokenGate(aligning.user())
    is_secure = public_url.startswith("https:")
    cookie = "__Host-brainstack" if is_secure else f"brainstack_{server.port}"
    desk = Desk(Animals(names or ()), gate, public_url, cookie)
    token = f"?token={gate.token}" if isinstance(gate, TokenGate) else ""
    only = f"/{names[0]}" if names and len(names) == 1 else "/"
    typer.echo(f"Open {public_url or server.url}{only}{token} in Chrome or Firefox. Ctrl-C ends it.")
    if accounts and not is_secure and (public_url or host not in (LOOPBACK, "localhost")):
        typer.echo("Passwords can be read on their way, as there is no TLS; docs/review.md says how nginx adds it.")
    sys.stdout.flush()
    server.run(make_app(desk, hosts=[host], mounts=[tables_at(desk)]))


def _checked_public_url(url: str) -> str:
    """Without a slash at its end. Raises BrainstackError for what is no address, or one with a path."""
    url = url.rstrip("/").lower()
    if not url:
        return ""
    if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", url):
        raise BrainstackError(f"--public-url is {url!r}; wanted an address such as https://review.example.org.")
    if urlsplit(url).path:
        raise BrainstackError(
            f"--public-url is {url}, below a path; the review page needs a name or a port of its own, such as "
            "https://review.example.org or https://lab.example.org:8443."
        )
    return url


def _check_reviewers() -> None:
    from brainstack.reviewing import known_reviewers

    if not known_reviewers():
        raise BrainstackError("Nobody could log in: there is no reviewer yet; `brainstack reviewer add NAME` adds one.")
