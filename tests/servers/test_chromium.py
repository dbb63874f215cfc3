"""What the browser complains about is not lost."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page

from tests.servers.chromium import Visits, accessibility_faults

PAGES = {
    "/good": "<!doctype html><html lang=en><title>Good</title><main><h1>Good</h1></main>",
    "/script": "<!doctype html><html lang=en><title>x</title><script>nothing()</script>",
    "/faulty": "<!doctype html><html lang=en><title>Faulty</title><main><h1>x</h1><img src='data:,'></main>",
}


class Site(BaseHTTPRequestHandler):
    """Three pages, under a policy that forbids inline scripts on one of them."""

    def do_GET(self) -> None:
        body = PAGES.get(self.path.partition("?")[0], "").encode()
        self.send_response(200 if body else 204)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        if self.path.endswith("?strict"):
            self.send_header("Content-Security-Policy", "script-src 'self'")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_good_page_gives_no_complaint(site: str, page: Page) -> None:
    page.goto(f"{site}/good")

    assert page.title() == "Good"
    assert accessibility_faults(page) == []


def test_a_script_error_is_kept(site: str, page: Page, visits: Visits) -> None:
    with page.context.expect_event("weberror"):
        page.goto(f"{site}/script")

    assert "nothing is not defined" in visits.complaints.pop()


def test_a_breach_of_the_content_security_policy_is_kept(site: str, page: Page, visits: Visits) -> None:
    with page.expect_console_message():
        page.goto(f"{site}/script?strict")

    assert "Content Security Policy" in visits.complaints.pop()


def test_an_image_without_text_is_an_accessibility_fault(site: str, page: Page) -> None:
    page.goto(f"{site}/faulty")

    assert [fault.split(":")[0] for fault in accessibility_faults(page)] == ["image-alt"]


def test_a_page_opens_in_dark_mode_when_asked(site: str, visits: Visits) -> None:
    page = visits.page(color_scheme="dark")
    page.goto(f"{site}/good")

    assert page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is True
