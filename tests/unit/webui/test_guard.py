"""What every request has to pass, and every answer carries."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.unit.webui.conftest import Person
from webui import guard

WEBUI = Path(guard.__file__).parent
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
NEVER = re.compile(
    r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|https?://(?!www\.w3\.org/)", re.IGNORECASE
)
PAGES = [
    "/",
    "/tasks",
    "/hosts",
    "/hosts/sim-00001",
    "/nothing",
    "/tasks/00000000-0000-0000-0000-000000000000",
]


def templates() -> Iterator[Path]:
    """All templates and scripts of ours."""
    yield from (WEBUI / "templates").rglob("*.html")
    yield from (WEBUI / "static").glob("*.js")


@pytest.mark.parametrize("url", [*PAGES, "/dynflow/tasks/count", "/healthz", "/static/live.js"])
def test_every_answer_carries_the_headers(client: FlaskClient, url: str) -> None:
    """W-006: the policy is exactly the one of the specification."""
    headers = client.get(url).headers
    assert headers["Content-Security-Policy"] == CSP
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Permissions-Policy"] == ""


@pytest.mark.parametrize("url", PAGES)
def test_no_page_has_inline_code_or_leaves_its_origin(client: FlaskClient, url: str) -> None:
    """W-005, W-006: no style, no handler, no inline script, no address elsewhere."""
    page = client.get(url).text
    assert NEVER.search(page) is None
    assert "bootstrap.min.js" not in page
    assert "bootstrap-icons" not in page


@pytest.mark.parametrize("file", list(templates()), ids=lambda file: file.name)
def test_no_template_has_inline_code(file: Path) -> None:
    """W-006: nor do the sources."""
    assert NEVER.search(file.read_text("utf-8")) is None


def test_own_files_stay_small() -> None:
    """The budgets of chapter 1 of the pages' specification."""
    sizes = {file.name: file.stat().st_size for file in (WEBUI / "static").iterdir()}
    assert sizes["mcoflow.css"] <= 16 * 1024
    assert sizes["live.js"] <= 16 * 1024
    assert sizes["theme.js"] <= 1024


def test_static_files_are_kept_for_a_year_under_their_hash(client: FlaskClient) -> None:
    """Every static address on a page has a hash and may be kept."""
    addresses = re.findall(r'(?:href|src)="(/(?:bootstrap/)?static/[^"]+)"', client.get("/").text)
    assert len(addresses) == 5
    for address in addresses:
        answer = client.get(address)
        assert re.search(r"\?v=[0-9a-f]{12}$", address)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (
            200,
            "public, max-age=31536000, immutable",
        )


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "10.0.0.1:9292", ""])
def test_an_unlisted_host_is_refused(client: FlaskClient, host: str) -> None:
    """H-029: a `Host` that is not listed is 400."""
    assert client.get("/", headers={"Host": host}).status_code == 400
    assert client.get("/healthz", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:9292", "[::1]:9292", "LOCALHOST:1"])
def test_loopback_names_are_answered(client: FlaskClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_requests_with_neither_header_pass(client: FlaskClient) -> None:
    """H-029: no browser sent them."""
    assert client.post("/dynflow/tasks", json={}).status_code == 422


def test_the_request_id_is_given_back(client: FlaskClient) -> None:
    assert client.get("/", headers={"X-Request-ID": "abc.1"}).headers["X-Request-ID"] == "abc.1"
    made = client.get("/", headers={"X-Request-ID": "not good!"}).headers["X-Request-ID"]
    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_limits_of_the_form(person: Person) -> None:
    assert person.send("/trigger", hostname="a", param="x" * (1 << 20), action="install").status_code == 413
    assert person.client.get(f"/?hostname={'x' * 9000}").status_code == 414


def test_an_error_page_has_the_request_id_and_a_way_back(client: FlaskClient) -> None:
    answer = client.get("/nothing", headers={"X-Request-ID": "find-me"})
    assert answer.status_code == 404
    assert "find-me" in answer.text
    assert 'href="/tasks"' in answer.text
