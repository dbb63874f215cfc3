"""How pages look: readable for all, on every width, in light and dark, by every means."""

from collections.abc import Callable
from uuid import UUID

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.servers.chromium import Visits, accessibility_faults

HOSTS = ["sim-00001", "sim-00002", "sim-00003"]


@pytest.fixture(scope="module")
def done(site: Site) -> UUID:
    """A task that succeeded, with a graph."""
    return site.at_rest("install_and_restart", hosts=HOSTS, packages=["nginx", "php"], services=["web"])


@pytest.fixture(scope="module")
def stuck(site: Site) -> UUID:
    """A task that is paused."""
    return site.at_rest("restart", hosts=["nobody"], service="web")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_pages_have_no_accessibility_faults(
    site: Site, visits: Visits, done: UUID, stuck: UUID, scheme: str, width: int
) -> None:
    """W-001, W-046: axe finds nothing, and no page scrolls sideways."""
    page = visits.page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    paths = [
        "/",
        f"/?uuid={done}",
        "/?hostname=sim-00001,nobody&param=a,b;c",
        "/tasks",
        "/tasks?state=cancelled&q=zzz",
        "/tasks?state=scheduled",
        f"/tasks/{site.frozen()}",
        f"/tasks/{done}",
        f"/tasks/{stuck}",
        f"/tasks/{stuck}/steps/3",
        f"/tasks/{stuck}/steps/3/skip",
        f"/tasks/{stuck}/cancel",
        f"/tasks/{done}/hosts",
        f"/tasks/{stuck}/hosts?outcome=failures",
        f"/tasks/{stuck}/rerun",
        "/?target=sim-*&batch=2&canary=1",
        "/hosts",
        "/hosts/sim-00001",
        "/new",
        "/new/install?hostname=nobody&input.package=x",
        "/new/package.install?target=sim-*&limit=2&start_at=%2B2h&check=yes",
    ]
    for path in paths:
        page.goto(site.url + path)
        assert accessibility_faults(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_more_opens_and_closes_as_menus_do(site: Site, visits: Visits, stuck: UUID) -> None:
    """Pages, 2.5: by Esc, which gives the focus back, and by a click elsewhere; axe finds nothing in it."""
    page = visits.page()
    page.goto(f"{site.url}/tasks/{stuck}")
    more, delete = page.locator(".other-acts > summary"), page.get_by_role("link", name="Delete…")
    more.focus()
    page.keyboard.press("Enter")
    expect(delete).to_be_visible()
    assert accessibility_faults(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(delete).to_be_hidden()
    expect(more).to_be_focused()
    more.click()
    expect(delete).to_be_visible()
    page.get_by_role("heading", name="History").click()
    expect(delete).to_be_hidden()


def test_a_form_with_faults_is_readable_too(site: Site, visits: Visits) -> None:
    """W-001, W-011: the summary has the focus and leads to the field."""
    page = visits.page()
    page.goto(site.url)
    page.get_by_label("Hostname").fill("web 1;")
    page.get_by_label("Param").fill("-rf")
    page.get_by_role("button", name="Install", exact=True).click()
    assert "Nothing was run" in page.locator(":focus").inner_text()
    assert accessibility_faults(page) == []
    page.get_by_role("link", name="Param").click()
    assert page.locator(":focus").get_attribute("id") == "param"
    assert page.get_by_label("Param").input_value() == "-rf"
    visits.complaints.clear()  # Chromium reports the answer 422 as a failed load


def test_enter_in_a_field_runs_nothing(site: Site, visits: Visits) -> None:
    """W-010: the invisible first button asks for one of the four."""
    page = visits.page()
    page.goto(site.url)
    page.get_by_label("Hostname").fill("sim-00001")
    page.get_by_label("Param").fill("nginx")
    page.get_by_label("Param").press("Enter")
    page.get_by_text("press one of the four buttons").first.wait_for()
    assert page.get_by_label("Param").input_value() == "nginx"
    visits.complaints.clear()  # Chromium reports the answer 422 as a failed load


def test_what_the_form_says_back_moves_no_button_from_under_the_finger(site: Site, visits: Visits) -> None:
    """W-012: on a small screen, pressed right after typing; 21 hosts ask for the typed number."""
    page = visits.page(viewport={"width": 320, "height": 800})
    page.goto(site.url)
    page.get_by_label("Hostname").fill(",".join(f"web{number}" for number in range(21)))
    page.get_by_label("Param").fill("nginx")
    page.get_by_role("button", name="Install", exact=True).click()
    page.get_by_label("Number of hosts").wait_for()
    assert page.locator(".fault").inner_text() == "this goes to 21 hosts: type 21 to confirm"
    visits.complaints.clear()  # Chromium reports the answer 422 as a failed load


def test_a_preview_and_the_typed_number_work_without_script(site: Site, visits: Visits) -> None:
    """W-002, W-012: whom a target means, and then all hosts of the task."""
    page = visits.page(java_script_enabled=False)
    page.goto(site.url)
    page.get_by_label("Target").fill("sim-*")
    page.get_by_label("Param").fill("nginx")
    page.get_by_role("button", name="Preview").click()
    page.get_by_role("heading", name="Preview: nothing was run").wait_for()
    assert page.get_by_label("Param").input_value() == "nginx"
    page.get_by_role("button", name="Install", exact=True).click()
    page.get_by_role("link", name="here").click()
    page.get_by_role("link", name="Hosts", exact=True).last.click()
    page.get_by_text("6 expected").first.wait_for()
    assert page.locator("tbody tr").count() == 6


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_form_by_schema_previews_and_starts_later(site: Site, visits: Visits, scheme: str) -> None:
    """W-001, W-012, W-013: by the same fields as the main form; what it says back comes while one types."""
    page = visits.page(color_scheme=scheme, viewport={"width": 320, "height": 800})
    page.goto(f"{site.url}/new/package.install")
    page.get_by_label("Target").fill("sim-*")
    page.get_by_text("6 hosts: 6 online").wait_for()
    page.get_by_label("package", exact=True).fill("nginx")
    page.get_by_text("When", exact=True).click()
    page.get_by_label("Start at").fill("+2h")
    page.get_by_role("button", name="Preview").click()
    assert "Preview: nothing was run" in page.locator(":focus").inner_text()
    assert accessibility_faults(page) == []
    assert page.get_by_label("Start at").input_value() == "+2h"
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("waits for its time").wait_for()
    page.get_by_role("link", name="here").click()
    expect(page.locator(".big-state")).to_have_text("Scheduled")


def test_everything_works_without_script(site: Site, visits: Visits) -> None:
    """W-002: start, watch by Refresh, cancel, filter, page."""
    page = visits.page(java_script_enabled=False)
    page.goto(site.url)
    page.get_by_label("Hostname").fill("nobody-2")
    page.get_by_label("Param").fill("nginx")
    page.get_by_role("button", name="Uninstall").click()
    page.get_by_role("link", name="here").click()
    _refresh_until(page, "Paused")
    page.get_by_role("button", name="Resume").click()
    page.get_by_text("Resumed: failed steps run again").wait_for()
    _refresh_until(page, "Paused")
    page.get_by_role("link", name="Skip…").click()
    page.get_by_role("button", name="Skip this step").click()
    page.get_by_text("Skipped: step 3.").wait_for()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel the task").click()
    _refresh_until(page, "Cancelled", finished=True)
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Tasks").click()
    page.get_by_role("link", name="Cancelled").click()
    assert page.get_by_role("link", name="Uninstall nginx on nobody-2").count() == 1
    assert page.locator("[data-theme-slot]").inner_text() == ""


def test_an_error_of_several_hosts_leads_to_them(site: Site, visits: Visits) -> None:
    """Pages, 3.3: it stands once, and the hosts behind it are those that have it."""
    plan_id = site.at_rest("restart", hosts=["lost-1", "lost-2", "sim-00001"], service="web")
    page = visits.page(java_script_enabled=False)
    page.goto(f"{site.url}/tasks/{plan_id}")
    page.locator(".head .history a").first.click()
    page.get_by_text("Those with the same error as lost-1.").wait_for()
    assert page.locator("tbody tr").count() >= 1


def test_by_keyboard_alone(site: Site, visits: Visits, stuck: UUID) -> None:
    """W-003: from the form to a failed step; what has the focus can be seen."""
    page = visits.page()
    page.goto(site.url)
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the content"
    page.keyboard.press("g")
    page.keyboard.press("t")
    page.wait_for_url("**/tasks")
    page.keyboard.press("/")
    assert page.locator(":focus").get_attribute("id") == "q"
    page.keyboard.type("nobody")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Restart web on nobody").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/*-*")
    node = page.locator("svg a.node").first
    node.focus()
    assert node.locator(".box").evaluate("box => getComputedStyle(box).strokeWidth") == "3px"
    page.keyboard.press("Enter")
    page.wait_for_url("**/steps/3")
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").wait_for()
    page.keyboard.press("Escape")


def test_states_are_told_without_colours(site: Site, visits: Visits, done: UUID, stuck: UUID) -> None:
    """W-004: shape and word are there, also under forced colours."""
    page = visits.page(forced_colors="active")
    page.goto(f"{site.url}/tasks")
    shapes = page.locator("tbody use").evaluate_all("all => all.map(each => each.getAttribute('href'))")
    assert {"#i-success", "#i-paused"} <= set(shapes)
    assert {"Success", "Paused"} <= set(page.locator("tbody .state").all_inner_texts())


def test_the_theme_is_kept(site: Site, visits: Visits) -> None:
    page = visits.page(color_scheme="light")
    page.goto(site.url)
    theme: Callable[[], str] = lambda: str(page.evaluate("document.documentElement.dataset.bsTheme"))  # noqa: E731
    assert theme() == "light"
    page.get_by_label("Theme").select_option("dark")
    assert theme() == "dark"
    page.goto(f"{site.url}/tasks")
    assert theme() == "dark"


def test_no_request_leaves_the_origin(site: Site, visits: Visits, done: UUID) -> None:
    """W-005: and Bootstrap's script and sprite are never asked for."""
    page = visits.page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", "/tasks", f"/tasks/{done}", "/hosts"):
        page.goto(site.url + path)
    assert asked
    assert all(url.startswith((site.url, "data:")) for url in asked)
    assert not [url for url in asked if "bootstrap.min.js" in url or "icons" in url]


def _refresh_until(page: Page, word: str, *, finished: bool = False) -> None:
    """Press Refresh until the task's state is a word."""
    state = page.locator(".big-state")
    for _ in range(100):
        if word in state.inner_text():
            return
        page.reload() if finished else page.get_by_role("link", name="Refresh").click()
    raise AssertionError(f"the state never became {word}: {state.inner_text()}")
