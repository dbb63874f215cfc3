"""Discover now, in a real browser: answers appear by themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from mcoflow.agent.simulate import Simulation
from mcoflow.domain.requests import HostRecord
from tests.browser.conftest import Site
from tests.servers.chromium import Visits, accessibility_faults
from tests.servers.house import House
from webui.server import WebServer


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Four hosts of which one is silent, and one that is offline."""
    root: Path = tmp_path_factory.mktemp("quiet")
    with (
        House(root, hosts=4, simulation=Simulation(silent=0.25)) as house,
        WebServer(house.services, house.settings) as server,
    ):
        now = house.services.clock.now().timestamp()
        house.store.save_hosts([HostRecord("gone1", state="down", last_seen=now)])
        yield Site(house, server.url)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_answers_appear_as_they_come_and_the_silent_host_is_named(
    quiet: Site, visits: Visits, scheme: str, width: int
) -> None:
    """W-038, W-001: without reload, and readable for all."""
    page = visits.page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(f"{quiet.url}/hosts")
    page.get_by_label("Who is there now?").fill("sim-* or gone1")
    page.get_by_role("button", name="Discover now").click()
    page.evaluate("window.sameDocument = true")

    expect(page.locator(".answers tbody tr")).to_have_count(3)
    expect(page.locator(".big-state")).to_have_text("Not all answered", timeout=20_000)

    expect(page.get_by_role("region", name="Silent").get_by_role("link")).to_have_count(1)
    expect(page.get_by_role("region", name="Offline")).to_contain_text("gone1 its agent was stopped")
    assert page.evaluate("window.sameDocument") is True
    assert accessibility_faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
