"""The lines of docs/review.md on a real nginx, with TLS: who logs in, edits, and is refused there."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from lab import Lab, copy_of, entered
from review_accounts import PASSWORD, PEOPLE, Site, log_in, make_hashes_quick, site_with_accounts
from test_nginx import free_port, wait_for

from brainstack.database import open_database
from brainstack.review.tries import MOST_OF_NAME_AND_ADDRESS

LINES = Path(__file__).parents[2] / "docs" / "review.md"
NAME = "review.example.org"


@dataclass(frozen=True)
class Front:
    """An nginx with the review page behind it. port, plain : with TLS, and without. certificate : its own."""

    port: int
    plain: int
    certificate: Path
    site: Site

    def browser(self) -> httpx.Client:
        """Reaches it by its name, as if a name server led there."""
        client = httpx.Client(
            base_url=f"https://127.0.0.1:{self.port}", verify=ssl.create_default_context(cafile=str(self.certificate)),
            timeout=60, trust_env=False, headers={"Host": NAME, "Accept": "text/html", "Origin": f"https://{NAME}"},
        )  # fmt: skip
        client.event_hooks["request"] = [lambda request: request.extensions.update(sni_hostname=NAME)]
        return client


@pytest.fixture(scope="module")
def lab(scanned: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    found = copy_of(scanned, tmp_path_factory.mktemp("behind"))
    with entered(found) as environment:
        make_hashes_quick(environment)
        yield found


@pytest.fixture(scope="module")
def front(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None or shutil.which("openssl") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no nginx: apt-get install nginx openssl")
    own = tmp_path_factory.mktemp("nginx")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME}", "-keyout", str(own / "key.pem"), "-out", str(own / "cert.pem")],
        check=True, capture_output=True,
    )  # fmt: skip
    port, plain = free_port(), free_port()
    with site_with_accounts(f"https://{NAME}") as site:
        (own / "nginx.conf").write_text(configuration(own, port, plain, site.address))
        process = subprocess.Popen(
            [nginx, "-c", str(own / "nginx.conf"), "-e", str(own / "error.log")], stderr=subprocess.PIPE, text=True
        )
        try:
            wait_for(port, process)
            yield Front(port, plain, own / "cert.pem", site)
        finally:
            process.terminate()
            process.communicate(timeout=20)


def configuration(own: Path, port: int, plain: int, behind: str) -> str:
    """The lines of the page, with the ports, certificate and user of a test around them."""
    found = re.search(r"```nginx\n(.*?)```", LINES.read_text(), re.DOTALL)
    assert found
    lines = (
        found[1].replace("http://127.0.0.1:8765", behind).replace("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
    )
    lines = lines.replace("listen 80;", f"listen 127.0.0.1:{plain};")
    lines = lines.replace("/etc/ssl/certs/review.example.org.pem", str(own / "cert.pem"))
    lines = lines.replace("/etc/ssl/private/review.example.org.key", str(own / "key.pem"))
    user = "user root;" if os.getuid() == 0 else ""
    folders = "\n".join(f"{one}_temp_path {own / one};" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""
        {user} daemon off; worker_processes 1; pid {own / "pid"};
        events {{ worker_connections 128; }}
        http {{ access_log off; {folders} {lines} }}"""


def csrf_of(page: str) -> str:
    found = re.search(r'data-csrf="(\w+)"', page)
    assert found
    return found[1]


def test_a_person_logs_in_and_edits_through_tls(front: Front, lab: Lab) -> None:
    with front.browser() as browser:
        asked = browser.get("/DEMO/run")
        assert (asked.status_code, asked.headers["Location"]) == (303, "/login?next=/DEMO/run")
        entered = log_in(browser, "emil", PASSWORD, "/DEMO/run")
        assert (entered.status_code, entered.headers["Location"]) == (303, "/DEMO/run")
        cookies = entered.headers.get_list("Set-Cookie")
        assert cookies
        assert all("Secure" in one and "HttpOnly" in one and one.startswith("__Host-") for one in cookies)
        page = browser.get("/DEMO/run")
        assert "emil (edit)" in page.text
        assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
        word = {"X-CSRF-Token": csrf_of(page.text), "Accept": "application/json"}

        note = {"entry": "seen through nginx"}
        for origin, status in ((f"https://{NAME}", 201), ("https://evil.example", 403), (f"http://{NAME}", 403)):
            said = browser.post("/DEMO/problems", json=note, headers=word | {"Origin": origin})
            assert said.status_code == status, said.text
        with open_database(lab.url) as database:
            assert [(one.entry, one.person) for one in database.notes("DEMO")] == [("seen through nginx", "emil")]
        assert browser.post("/DEMO/run/start", headers=word).status_code == 403, "for those who may run"

        links = re.findall(r'(?:href|src|action)="(http[^"]*)"', browser.get("/tables/animal/list").text)
        assert links
        assert all(one.startswith(f"https://{NAME}/") for one in links), "addresses in full are those that others know"


def test_a_mask_may_be_large_and_not_too_large(front: Front) -> None:
    with front.browser() as browser:
        log_in(browser, "emil", PASSWORD)
        word = {"X-CSRF-Token": csrf_of(browser.get("/account").text), "Accept": "application/json"}
        for megabytes, is_nginx in ((15, False), (18, False), (30, True)):
            sent = browser.put("/DEMO/masks/x/mask", content=bytes(megabytes << 20), headers=word)
            assert ("nginx" in sent.text) == is_nginx
            assert (sent.status_code == 413) == (megabytes > 16), sent.text


def test_without_tls_one_is_sent_to_where_it_is(front: Front) -> None:
    answer = httpx.get(f"http://127.0.0.1:{front.plain}/DEMO/run?a=b", headers={"Host": NAME}, trust_env=False)
    assert (answer.status_code, answer.headers["Location"]) == (301, f"https://{NAME}/DEMO/run?a=b")


def test_wrong_passwords_are_counted_by_the_address_that_nginx_says(front: Front) -> None:
    """What the browser itself says of it would let anybody try for ever."""
    with front.browser() as browser:
        for number in range(MOST_OF_NAME_AND_ADDRESS):
            lie = {"X-Forwarded-For": f"10.0.0.{number}"}
            assert log_in(browser, next(iter(PEOPLE)), "not the password", **lie).status_code == 403
        assert log_in(browser, next(iter(PEOPLE)), PASSWORD, **{"X-Forwarded-For": "10.0.1.1"}).status_code == 429
