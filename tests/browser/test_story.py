"""The story of a first visit, told in a real browser; its pictures are kept in build/screenshots."""

import re
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.servers.chromium import Visits

PICTURES: Final = Path(__file__).parents[2] / "build" / "screenshots"
PNG: Final = b"\x89PNG\r\n\x1a\n"
SMALLEST: Final = 10_000
"""Bytes: an empty page of this size takes less."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_person_fills_in_the_form_presses_install_and_sees_success_come(
    site: Site, visits: Visits, scheme: str
) -> None:
    """W-010, W-017: form, task page, success, without reload; pictures of all three."""
    page = visits.page(viewport={"width": 1280, "height": 800}, color_scheme=scheme)
    page.goto(site.url)
    page.get_by_label("Hostname").fill("sim-00001")
    page.get_by_label("Param").fill("nginx")
    expect(page.get_by_text("1 host, online")).to_be_visible()
    keep(page, f"form-{scheme}")
    page.get_by_role("button", name="Install", exact=True).click()
    expect(page.get_by_text("Task scheduled: you can see details here")).to_be_visible()
    page.get_by_role("link", name="here").click()
    page.evaluate("window.sameDocument = true")
    keep(page, f"task-begun-{scheme}")
    expect(page.locator(".big-state")).to_have_text("Success")
    expect(page).to_have_title(re.compile("^Success: Install nginx on sim-00001"))
    expect(page.locator("svg a.node.s-success")).to_have_count(1)
    assert page.evaluate("window.sameDocument") is True
    keep(page, f"task-success-{scheme}")
    page.locator("svg a.node").click()
    expect(page.get_by_role("table", name="Packages").get_by_role("row", name="nginx")).to_be_visible()
    keep(page, f"step-{scheme}")


def keep(page: Page, name: str) -> None:
    """Take a picture of the whole page, and look that there is something on it."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    picture = page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
    assert picture.startswith(PNG)
    assert len(picture) > SMALLEST, f"{name}: {len(picture)} bytes"
