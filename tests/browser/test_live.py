"""How pages stay true while things move."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from mcoflow.agent.simulate import Simulation
from tests.browser.conftest import Site
from tests.servers.chromium import Visits
from tests.servers.house import House
from webui.server import WebServer

HOSTS = [f"sim-0000{number}" for number in range(1, 6)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_follows_its_task_from_the_form_to_success(site: Site, visits: Visits, scheme: str) -> None:
    """W-017: head, counters, graph and title of a run on 5 hosts, without reload."""
    page = visits.page(color_scheme=scheme)
    page.goto(site.url)
    page.get_by_label("Hostname").fill(", ".join(HOSTS))
    page.get_by_label("Param").fill("nginx,php;web")
    expect(page.get_by_text("2 packages, then 1 service if one succeeds")).to_be_visible()
    page.get_by_role("button", name="Install and restart").click()
    page.get_by_role("link", name="here").click()
    page.evaluate("window.sameDocument = true")
    expect(page.locator(".big-state")).to_contain_text("Running")
    expect(page.locator(".big-state")).to_have_text("Success", timeout=20_000)
    expect(page).to_have_title(re.compile("^Success: Install nginx, php and restart web"))
    expect(page.locator("[data-live-slot]")).to_have_text("finished")
    expect(page.locator("dd[data-summary]")).to_have_text("20 of 20 done")
    expect(page.locator("svg a.node.s-success")).to_have_count(4)
    assert page.evaluate("window.sameDocument") is True


def test_the_form_follows_what_it_has_made(site: Site, visits: Visits) -> None:
    page = visits.page()
    page.goto(site.url)
    page.get_by_label("Hostname").fill("sim-00001")
    page.get_by_label("Param").fill("nginx")
    page.get_by_role("button", name="Install", exact=True).dblclick()
    expect(page.locator("[data-part=made] .state")).to_have_text("Success", timeout=10_000)


def test_a_notice_goes_with_the_state_that_it_tells_of(site: Site, visits: Visits) -> None:
    """Pages, 2.4: "Pausing" is not said of a task that has paused."""
    page = visits.page()
    task = site.task("install_and_restart", hosts=HOSTS, packages=["a"], services=["b"])
    page.goto(f"{site.url}/tasks/{task}")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator(".big-state")).to_have_text(re.compile("Paused|Success"), timeout=20_000)
    expect(page.get_by_text("the steps under way end")).to_have_count(0)


def test_what_is_live_equals_what_a_reload_shows(site: Site, visits: Visits) -> None:
    """W-018: after a run, every part is what a fresh page has."""
    page = visits.page()
    task = site.task("install_and_restart", hosts=HOSTS, packages=["a"], services=["b"])
    page.goto(f"{site.url}/tasks/{task}")
    expect(page.locator("[data-live-slot]")).to_have_text("finished", timeout=20_000)
    parts = ("graph", "steps", "history")
    for part in parts:  # those out of sight come when they come into view
        page.locator(f"[data-part={part}]").scroll_into_view_if_needed()
        expect(page.locator(f"[data-part={part}]")).to_have_attribute("data-after", _version(site, task))
    read = "part => document.querySelector(`[data-part=${part}]`).outerHTML.replace(/\\s+/g, ' ')"
    lived = [page.evaluate(read, part) for part in parts]
    page.reload()
    assert [page.evaluate(read, part) for part in parts] == lived


def test_an_older_answer_never_covers_a_newer_one(site: Site, visits: Visits) -> None:
    """W-020: a fragment that was held up on its way is thrown away."""
    page = visits.page()
    task = site.at_rest("restart", hosts=["nobody-3"], service="x")
    page.goto(f"{site.url}/tasks/{task}")
    expect(page.locator(".live-on")).to_have_text("live")
    head = page.locator("[data-part=head]")
    old = page.request.get(f"{site.url}/tasks/{task}?part=head").text()
    site.house.services.plans.skip(task, 3, actor="anna")
    newer = _version(site, task)
    expect(head).to_have_attribute("data-after", newer)
    page.route("**/*part=head", lambda route: route.fulfill(body=old, content_type="text/html"))
    with page.expect_response("**/*part=head"):
        site.house.services.plans.cancel(task, actor="anna")
    expect(page.locator("[data-live-slot]")).to_have_text("finished")
    expect(head).to_have_attribute("data-after", newer)


def test_focus_and_open_details_survive_updates(site: Site, visits: Visits) -> None:
    """W-021: what a person is at stays as it is."""
    page = visits.page()
    task = site.task("install_and_restart", hosts=HOSTS, packages=["a", "b", "c"], services=["d"])
    page.goto(f"{site.url}/tasks/{task}")
    page.locator("details.planning > summary").click()
    last = page.locator(".steps a.step-title").nth(3)
    last.focus()
    expect(page.locator("[data-live-slot]")).to_have_text("finished", timeout=20_000)
    expect(page.locator("[data-part=steps]")).to_have_attribute("data-after", _version(site, task))
    assert last.evaluate("each => each === document.activeElement")
    assert page.locator("details.planning").get_attribute("open") is not None


def test_a_killed_server_is_told_and_its_return_too(tmp_path: Path, visits: Visits) -> None:
    """W-022: the banner comes within 5 s; when the server is back it goes, and all is as after a reload."""
    with House(tmp_path, hosts=2, simulation=Simulation(latency=timedelta(milliseconds=50))) as house:
        server = WebServer(house.services, house.settings)
        server.start()
        task = house.services.plans.submit("restart", {"hosts": ["nobody"], "service": "x"}, user="t").plan_id
        page = visits.page()
        page.goto(f"{server.url}/tasks/{task}")
        expect(page.locator(".big-state")).to_have_text("Paused")
        expect(page.locator(".live-on")).to_have_text("live")
        server.stop()
        banner = page.locator("[data-live-banner]")
        expect(banner).to_have_text("Live updates paused, retrying", timeout=5_000)
        house.services.plans.cancel(task, actor="t")
        port = int(urlsplit(server.url).port or 0)
        with WebServer(house.services, replace(house.settings, port=port)):
            expect(banner).to_be_empty(timeout=10_000)
            expect(page.locator(".big-state")).to_have_text("Cancelled", timeout=10_000)
            page.close()
    visits.complaints.clear()  # the cut connection, which the test is about


def test_updates_can_be_paused(site: Site, visits: Visits) -> None:
    """W-025: pausing counts what waits; going on brings all of it."""
    page = visits.page()
    task = site.at_rest("restart", hosts=["nobody-4"], service="x")
    page.goto(f"{site.url}/tasks/{task}")
    page.get_by_role("button", name="Pause updates").click()
    site.house.services.plans.cancel(task, actor="anna")
    expect(page.locator("[data-live-slot]")).to_contain_text("waiting")
    assert "Paused" in page.locator(".big-state").inner_text()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".big-state")).to_have_text("Cancelled")


def test_new_tasks_do_not_push_rows_away(site: Site, visits: Visits) -> None:
    """W-016: they are announced, and come when they are wanted."""
    site.at_rest("ping", hosts=["sim-00001"])
    page = visits.page()
    page.goto(f"{site.url}/tasks?q=Ping")
    first = page.locator("tbody tr").first.get_attribute("data-key")
    for _ in range(3):
        site.at_rest("ping", hosts=["sim-00001"])
    button = page.get_by_role("button", name="3 new tasks, show")
    button.wait_for(timeout=15_000)
    assert page.locator("tbody tr").first.get_attribute("data-key") == first
    button.click()
    assert page.locator("tbody tr").first.get_attribute("data-key") != first


def _version(site: Site, task: object) -> str:
    return str(site.house.services.plans.show(task).version)  # type: ignore[arg-type]
