"""Tasks, steps and hosts as people see them; nothing that comes from outside becomes HTML."""

import re
from collections.abc import Callable
from html import unescape
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from mcoflow.domain.requests import HostRecord
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.ports.store import Changes
from mcoflow.services.views import PlanView
from mcoflow.testing.contracts.samples import draft
from tests.servers.house import House
from tests.unit.webui.conftest import Person
from tests.waiting import until

Ended = Callable[[str | UUID], PlanView]
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "\x1b]0;title\x07\x1b[31mred\x1b[0m\x1b[2J",
    "\u202egnp.exe",
    "</textarea><style>*{display:none}</style>",
]


@pytest.fixture
def paused(person: Person, ended: Ended) -> PlanView:
    """A task that failed on a host that nobody knows."""
    answer = person.send("/trigger", hostname=f"gone-{uuid4().hex[:8]}", param="web", action="restart")
    return ended(answer.headers["Location"].partition("uuid=")[2])


def test_a_task_shows_state_steps_and_history(client: FlaskClient, paused: PlanView) -> None:
    page = unescape(client.get(f"/tasks/{paused.id}").text)
    assert f"<title>Paused: {paused.title} \u2013 mcoflow</title>" in page
    assert "no such host" in page.lower()
    assert f'href="/tasks/{paused.id}/steps/3"' in page
    assert "start execution" in page
    assert page.count("<h1>") == 1


def test_the_graph_and_the_list_have_the_same_steps(
    client: FlaskClient, person: Person, ended: Ended
) -> None:
    """W-029: each node is a link with name, state and place; the list has the same links."""
    answer = person.send("/trigger", hostname="sim-00001", param="a,b;c", action="install_and_restart")
    task = ended(answer.headers["Location"].partition("uuid=")[2])
    graph = client.get(f"/tasks/{task.id}?part=graph").text
    steps = client.get(f"/tasks/{task.id}?part=steps").text.partition("<details")[0]
    link = re.compile(rf'href="/tasks/{task.id}/steps/(\d+)"')
    assert link.findall(graph) == link.findall(steps)
    assert len(link.findall(graph)) == 4
    assert 'aria-label="Try to install a on sim-00001: success"' in graph


def test_a_step_shows_its_data(client: FlaskClient, paused: PlanView) -> None:
    page = unescape(client.get(f"/tasks/{paused.id}/steps/3").text)
    assert "No such host: Restart service, step 3" in page
    assert "<dd>web</dd>" in page
    assert client.get(f"/tasks/{paused.id}/steps/99").status_code == 404


def test_only_allowed_acts_have_buttons_and_others_say_why(
    client: FlaskClient, person: Person, paused: PlanView, ended: Ended
) -> None:
    """W-034: named with the reason, and the same act posted by hand is 409."""
    page = client.get(f"/tasks/{paused.id}").text
    assert f'formaction="/tasks/{paused.id}/resume"' in page
    answer = person.send("/trigger", hostname="sim-00001", param="", action="ping")
    done = ended(answer.headers["Location"].partition("uuid=")[2])
    page = client.get(f"/tasks/{done.id}").text
    assert "formaction" not in page
    assert "only a paused task can be resumed" in page
    refused = person.send(f"/tasks/{done.id}/resume")
    assert refused.status_code == 409
    assert f"Task {done.id} is stopped" in refused.text


def test_cancel_asks_first_and_comes_back_with_a_notice(
    person: Person, paused: PlanView, ended: Ended
) -> None:
    """W-002: acting is a form post answered 303 back to the page."""
    page = person.open(f"/tasks/{paused.id}/cancel")
    assert "Cancel the task" in page.text
    answer = person.send(f"/tasks/{paused.id}/cancel")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/tasks/{paused.id}")
    assert "Cancel requested" in person.open(f"/tasks/{paused.id}").text
    assert ended(paused.id).result == "cancelled"
    assert person.open(f"/tasks/{paused.id}/cancel").status_code == 409


def test_a_cancel_by_force_is_ticked_after_a_warning_and_only_of_what_runs(
    person: Person, house: House, paused: PlanView, ended: Ended
) -> None:
    """B-044: the warning stands beside the box; the history tells of it."""
    assert "By force" not in person.open(f"/tasks/{paused.id}/cancel").text
    house.store.save_hosts([HostRecord("away1", state="down", last_seen=0.0)])
    sent = person.send("/trigger", hostname="away1", param="web", action="restart")
    running = sent.location.partition("uuid=")[2]
    until(lambda: house.services.plans.show(UUID(running)).state == "running", "it waits for its host")

    assert "killed half-way" in person.open(f"/tasks/{running}/cancel").text
    person.send(f"/tasks/{running}/cancel", force="yes")

    told = [line.detail for line in house.services.plans.history(UUID(running)) if line.name == "cancel"]
    assert told == ["by force"]
    person.send(f"/tasks/{running}/cancel")
    assert ended(running).result == "cancelled"


def test_what_cannot_be_taken_back_asks_first(person: Person, paused: PlanView, ended: Ended) -> None:
    """A link without JavaScript leads to a page that says what it means; only its form does it."""
    assert f'href="/tasks/{paused.id}/halt"' in person.open(f"/tasks/{paused.id}").text
    page = person.open(f"/tasks/{paused.id}/halt")
    assert "Halt the task" in page.text
    assert ended(paused.id).state == "paused"
    answer = person.send(f"/tasks/{paused.id}/halt")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/tasks/{paused.id}")
    assert "effect of what was under way is unknown" in person.open(f"/tasks/{paused.id}").text
    assert ended(paused.id).result == "halted"
    for name in ("halt", "abort", "revert"):
        assert person.open(f"/tasks/{paused.id}/{name}").status_code == 409
        assert person.send(f"/tasks/{paused.id}/{name}").status_code == 409
    assert person.client.get(f"/dynflow/tasks/{paused.id}/status").json["result"] == "pending"  # type: ignore[index]


def test_a_task_is_deleted_after_a_question(person: Person, paused: PlanView) -> None:
    """What is gone leads back to the list."""
    assert "Delete the task" in person.open(f"/tasks/{paused.id}/delete").text
    answer = person.send(f"/tasks/{paused.id}/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tasks")
    assert person.open(f"/tasks/{paused.id}").status_code == 404


def test_a_pause_is_noted(person: Person, paused: PlanView) -> None:
    """Of a task at rest it changes nothing; a stopped one refuses it."""
    assert person.send(f"/tasks/{paused.id}/pause").status_code == 303
    person.send(f"/tasks/{paused.id}/abort")
    assert person.send(f"/tasks/{paused.id}/pause").status_code == 409


def test_skip_shows_what_it_covers_and_skips_just_that(
    person: Person, paused: PlanView, ended: Ended
) -> None:
    """W-033: the dry run changes nothing; after it and a resume the task ends with a warning."""
    page = person.open(f"/tasks/{paused.id}/steps/3/skip")
    assert "This step will not run" in page.text
    assert person.open(f"/tasks/{paused.id}").text.count("Skipped on resume") == 0
    answer = person.send(f"/tasks/{paused.id}/steps/3/skip")
    assert answer.status_code == 303
    assert "Skipped: step 3." in person.open(f"/tasks/{paused.id}").text
    assert person.send(f"/tasks/{paused.id}/resume").status_code == 303
    assert ended(paused.id).result == "warning"


def test_acts_need_their_token(person: Person, paused: PlanView) -> None:
    """W-008: each form, not only the first."""
    for act in ("resume", "cancel", "pause", "abort", "revert", "halt", "delete", "steps/3/skip"):
        answer = person.client.post(f"/tasks/{paused.id}/{act}", data={"csrf_token": "wrong"})
        assert answer.status_code == 403
        assert f'action="/tasks/{paused.id}/{act}"' in answer.text


def test_parts_are_the_same_as_in_the_page(client: FlaskClient, paused: PlanView) -> None:
    """W-018: page and fragment are one macro; an unchanged fragment is 304, an unknown one 404."""
    page = client.get(f"/tasks/{paused.id}").text
    for part in ("graph", "steps", "history", "evidence"):
        answer = client.get(f"/tasks/{paused.id}?part={part}")
        assert answer.text.strip() in page
        again = client.get(
            f"/tasks/{paused.id}?part={part}", headers={"If-None-Match": answer.headers["ETag"]}
        )
        assert again.status_code == 304
    assert client.get(f"/tasks/{paused.id}?part=nonsense").status_code == 404


def test_filters_stand_in_the_url(client: FlaskClient, paused: PlanView) -> None:
    """W-014: nothing found says so and offers Clear; an invalid filter is 422 with the words."""
    name = paused.title.rpartition(" ")[2]
    assert name in client.get(f"/tasks?state=paused&q={name}").text
    nothing = client.get(f"/tasks?state=succeeded&q={name}").text
    assert "Nothing matches" in nothing
    assert "Clear filters" in nothing
    wrong = client.get("/tasks?state=bogus")
    assert wrong.status_code == 422
    assert "bogus" in wrong.text
    assert client.get("/tasks?before=nonsense").status_code == 422


def test_pages_of_tasks_follow_each_other(client: FlaskClient, house: House) -> None:
    drafts = [draft(plan_id=uuid4(), label=f"page-test {number}", args="{}") for number in range(60)]
    for each in drafts:
        each.plan.state, each.plan.result = PlanState.STOPPED, PlanResult.SUCCESS
    house.store.commit(Changes(new_plans=drafts))
    seen: list[str] = []
    url = "/tasks?q=page-test"
    while url:
        page = unescape(client.get(url).text)
        seen += re.findall(r'<a href="/tasks/([0-9a-f-]{36})">page-test', page)
        older = re.search(r'rel="next" href="([^"]+)"', page)
        url = older[1] if older else ""
    assert sorted(seen) == sorted(str(each.plan.id) for each in drafts)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_from_hosts_stays_text(client: FlaskClient, house: House, text: str) -> None:
    """W-007: in names of tasks, errors, facts and searches; control characters become symbols."""
    host = f"evil-{uuid4().hex[:8]}"
    record = HostRecord(host, simulated=True, version=text[:40], facts={"os": {"name": text}, text: text})
    house.store.save_hosts([record])
    plan = draft(plan_id=uuid4(), label=text, args="{}")
    plan.plan.state, plan.plan.explanation = PlanState.STOPPED, text
    house.store.commit(Changes(new_plans=[plan]))
    pages = ["/", "/hosts", f"/hosts/{host}", f"/tasks/{plan.plan.id}", f"/tasks?q={escape('page')}"]
    for url in [*pages, "/tasks"]:
        page = client.get(url).text
        assert "alert(1)</script>" not in page
        assert "<img" not in page
        assert "<svg onload" not in page
        assert "<style>" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page
    assert client.get("/tasks", query_string={"q": text}).status_code == 200


def test_simulated_hosts_are_marked_everywhere(client: FlaskClient, person: Person, ended: Ended) -> None:
    answer = person.send("/trigger", hostname="sim-00002", param="nginx", action="install")
    task = ended(answer.headers["Location"].partition("uuid=")[2])
    for url in (
        "/",
        "/tasks",
        "/hosts",
        "/hosts/sim-00002",
        f"/tasks/{task.id}",
        f"/tasks/{task.id}/steps/3",
    ):
        assert ">simulated</span>" in client.get(url).text, url


def test_the_hosts_page_says_who_may_do_what(client: FlaskClient) -> None:
    page = client.get("/hosts").text
    assert "who may publish on the broker may run whatever its agents allow" in page
    assert client.get("/hosts/never-seen").status_code == 404
    assert "Nothing matches" in client.get("/hosts?q=zzz").text


def test_times_follow_the_zone_of_the_reader(client: FlaskClient, paused: PlanView) -> None:
    """W-050: and an unknown zone is UTC."""
    client.set_cookie("tz", "Asia/Kathmandu")
    assert "Asia/Kathmandu" in client.get(f"/tasks/{paused.id}").text
    client.set_cookie("tz", "../../etc/passwd")
    assert "<span data-zone>UTC</span>" in client.get(f"/tasks/{paused.id}").text
