"""A real Chromium, driven by Playwright; every page keeps a list of what the browser complained about."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # tests run as root in containers, where the sandbox cannot be set up
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS: Final = 15_000


def chromium_binary() -> Path | None:
    """Return the browser's path, or None when it is not installed."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    return Path(found) if found else None


@contextmanager
def running_chromium(binary: Path) -> Iterator[Browser]:
    """Start one browser, and close it at the end. Pages are opened through `Visits`."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Visits:
    """The pages of one test. `complaints` holds console errors, script errors and CSP reports of them all.

    A test that provokes a complaint takes it out of the list; what is left at its end fails it.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def page(self, **options: Any) -> Page:
        """Open a page with cookies of its own; `options` are those of Playwright's `new_context`."""
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        self._contexts.append(context)
        return context.new_page()

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":  # Chromium reports CSP violations and failed loads here too
            self.complaints.append(f"console: {message.text} ({message.location.get('url', '')})")


def accessibility_faults(page: Page) -> list[str]:
    """Return what axe finds wrong with the page as it is now: rule, why, and the elements."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {fault['help']}: {[node['target'] for node in fault['nodes']]}" for fault in found
    ]
