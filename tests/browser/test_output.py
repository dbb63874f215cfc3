"""What hosts print, in a real browser: it comes by itself, pushes nothing away, and freezes nothing."""

import re
from dataclasses import replace
from uuid import uuid4

import pytest
from playwright.sync_api import expect

from mcoflow.domain.output import HostChunk, OutputEnd
from mcoflow.domain.requests import RequestRecord
from mcoflow.domain.states import PlanState
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import draft, request
from tests.browser.conftest import Site
from tests.servers.chromium import Visits, accessibility_faults

LOG = (
    "Reading package lists…\n\x1b[32mDone\x1b[0m, \x1b[1;31merror\x1b[0m \x1b[33mwarning\x1b[0m "
    "\x1b[34mblue\x1b[0m \x1b[35mviolet\x1b[0m \x1b[36mcyan\x1b[0m \x1b[30mblack\x1b[0m\a\n"
)


def printing(site: Site, *texts: str) -> RequestRecord:
    """A paused task whose first host has printed this, and has more to say."""
    plan = draft(1, plan_id=uuid4(), label="Printing", args="{}")
    plan.plan.state = PlanState.PAUSED
    site.house.store.commit(Changes(new_plans=[plan]))
    sent = request(plan.plan.id)
    site.house.store.commit(Changes(new_requests=[sent]))
    say(site, sent, 0, *texts)
    return sent


def say(site: Site, sent: RequestRecord, first: int, *texts: str) -> None:
    """Have the host print more, and whoever watches the task be told."""
    plan = site.house.store.plan(sent.plan_id)
    streams = ("stdout", "stderr", "log")
    chunks = [
        HostChunk(plan.id, sent.id, seq, streams[seq % 3], 0, text, 1_700_000_000.0 + seq)
        for seq, text in enumerate(texts, first)
    ]
    site.house.store.commit(Changes(plans=[replace(plan)], host_chunks=chunks))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_output_has_no_accessibility_faults(site: Site, visits: Visits, scheme: str, width: int) -> None:
    """W-001, W-037, W-046: colours can be read, nothing scrolls sideways, also with a line of 1 MB."""
    sent = printing(site, LOG, "E: held\n", "started\n", *("x" * 16_000 for _ in range(60)), LOG, LOG, LOG)
    end = OutputEnd(sent.plan_id, sent.id, 66, 2**30, truncated=True)
    site.house.store.commit(Changes(output_ends=[end]))
    page = visits.page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    for path in (f"/tasks/{sent.plan_id}/hosts/web1", f"/tasks/{sent.plan_id}/steps/2"):
        page.goto(site.url + path)
        expect(page.locator(".o-lines")).to_be_visible()
        assert accessibility_faults(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_new_lines_wait_behind_a_button(site: Site, visits: Visits) -> None:
    """W-036: what is being read does not jump."""
    sent = printing(site, "one\n", "two\n")
    page = visits.page()
    page.goto(f"{site.url}/tasks/{sent.plan_id}/hosts/web1")
    rows = page.locator(".o-row")
    expect(rows).to_have_count(2)

    say(site, sent, 2, "three\nfour\n", "five\n")

    button = page.get_by_role("button", name="3 new lines, show")
    expect(button).to_be_visible()
    expect(rows).to_have_count(2)
    button.click()
    expect(rows).to_have_count(4)
    expect(rows.last).to_contain_text("five")


def test_with_follow_on_new_lines_come_into_sight(site: Site, visits: Visits) -> None:
    """W-036: and leaving it is one click."""
    sent = printing(site, *(f"line {n}\n" * 20 for n in range(10)))
    page = visits.page()
    page.goto(f"{site.url}/tasks/{sent.plan_id}/hosts/web1")
    page.get_by_role("link", name="Follow: off").click()

    say(site, sent, 10, "the newest\n")

    newest = page.locator(".o-row", has_text="the newest")
    expect(newest).to_be_in_viewport()
    page.get_by_role("link", name="Follow: on").click()
    expect(page).to_have_url(re.compile(r"/hosts/web1$"))
