"""The form: from a browser, from a script, and with everything wrong."""

import re
from collections.abc import Callable
from html import unescape
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from mcoflow.services.views import PlanView
from tests.unit.webui.conftest import Person
from webui.text import visible

GOOD = {"hostname": "sim-00001", "param": "nginx", "action": "install"}


def made(location: str) -> UUID:
    """Return the task that a redirect names."""
    found = re.fullmatch(r"/\?uuid=([0-9a-f-]{36})", location)
    assert found, location
    return UUID(found[1])


def test_the_form_has_its_fixed_names(client: FlaskClient) -> None:
    """W-010: `hostname`, `param`, and the four values of `action`."""
    page = client.get("/").text
    for name in ("hostname", "param"):
        assert f'name="{name}"' in page
    for value in ("install", "uninstall", "restart", "install_and_restart"):
        assert f'name="action" value="{value}"' in page


@pytest.mark.parametrize("case", [str.lower, str.upper, str.title])
@pytest.mark.parametrize(
    ("action", "param"),
    [("install", "nginx"), ("uninstall", "nginx"), ("restart", "web"), ("install_and_restart", "a,b;c")],
)
def test_each_action_makes_a_task_and_leads_to_its_page(
    person: Person, ended: Callable[[UUID], PlanView], action: str, param: str, case: Callable[[str], str]
) -> None:
    """H-059, W-010: 303 to `/?uuid=`, and that page links both pages of details."""
    answer = person.send("/trigger", hostname="sim-00001", param=param, action=case(action))
    assert answer.status_code == 303
    task = made(answer.headers["Location"])
    page = person.open(answer.headers["Location"]).text
    assert "Task scheduled: you can see details" in page
    assert f'href="/tasks/{task}"' in page
    assert f'href="/dynflow/{task}"' in page
    console = person.open(f"/dynflow/{task}")
    assert (console.status_code, console.headers["Location"]) == (302, f"/tasks/{task}")
    assert ended(task).action == action


def test_a_script_without_cookies_may_send_the_form(client: FlaskClient) -> None:
    answer = client.post("/trigger", data=GOOD)
    assert made(answer.headers["Location"])


def test_the_same_key_is_the_same_task(person: Person, tasks: Callable[[], int]) -> None:
    """H-059, W-009: a double click makes one task, and ends on the same page."""
    before = tasks()
    answers = [person.send("/trigger", key="k-1", **GOOD).headers["Location"] for _ in range(3)]
    assert len(set(answers)) == 1
    assert tasks() == before + 1


def test_the_same_key_for_something_else_is_told(person: Person, tasks: Callable[[], int]) -> None:
    person.send("/trigger", key="k-2", **GOOD)
    before = tasks()
    answer = person.send("/trigger", key="k-2", hostname="sim-00002", param="vim", action="install")
    assert answer.status_code == 409
    assert "sent before with other values" in answer.text
    assert 'value="k-2"' not in answer.text
    assert tasks() == before


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"param": "a;b;c", "action": "install_and_restart"}, "param"),
        ({"param": ";", "action": "install_and_restart"}, "param"),
        ({"param": "-rf"}, "param"),
        ({"param": "$(reboot)"}, "param"),
        ({"param": "a\nb"}, "param"),
        ({"param": "a\x00b"}, "param"),
        ({"param": "v\u00efm"}, "param"),
        ({"param": "x" * 300}, "param"),
        ({"hostname": ""}, "hostname"),
        ({"hostname": "-web"}, "hostname"),
        ({"action": "explode"}, "action"),
        ({"action": ""}, "action"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(
    person: Person, tasks: Callable[[], int], wrong: dict[str, str], field: str
) -> None:
    """H-060, H-061, W-011: 422 with the input kept, a summary that links to the field, and no task."""
    before = tasks()
    sent = {**GOOD, **wrong}
    answer = person.send("/trigger", **sent)
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in answer.text
    assert f'id="fault-{field}"' in answer.text
    page = unescape(answer.text)
    for name in ("hostname", "param"):
        assert f'name="{name}" value="{visible(sent[name])}"' in page
    assert tasks() == before


def test_the_echo_says_what_would_be_done(client: FlaskClient) -> None:
    """W-011: 2 packages and 1 service, and who is there."""
    param = client.get("/", query_string={"part": "echo_param", "param": "nginx,php;web"}).text
    assert "2 packages, then 1 service if one succeeds" in param
    hosts = client.get("/", query_string={"part": "echo_hosts", "hostname": "sim-00001, nobody"}).text
    assert "2 hosts, 1 online, 1 never seen" in hosts


def test_more_than_twenty_hosts_have_to_be_counted(person: Person, tasks: Callable[[], int]) -> None:
    """W-012: a wrong number starts nothing."""
    many = ", ".join(f"web{number}" for number in range(21))
    before = tasks()
    answer = person.send("/trigger", hostname=many, param="vim", action="install", confirm="20")
    assert answer.status_code == 422
    assert 'name="confirm"' in answer.text
    assert tasks() == before


@pytest.mark.parametrize("token", [None, "wrong", "stale"])
def test_a_form_without_its_token_is_refused_and_kept(
    person: Person, tasks: Callable[[], int], token: str | None
) -> None:
    """W-008: without, with a wrong and with a stale token: 403, input kept."""
    before = tasks()
    stale = "IjE3ZTliY2YzZTdhMGNhZDJlNTk0OTE2YjUzOTQwODNhODgyZTAyNDEi.X1E8hA.qzEt1LV4vJL6xKntw_tWB7E-djc"
    given = {} if token is None else {"csrf_token": stale if token == "stale" else token}
    answer = person.client.post("/trigger", data={**GOOD, **given})
    assert answer.status_code == 403
    assert 'name="param" value="nginx"' in answer.text
    assert 'name="hostname" value="sim-00001"' in answer.text
    assert tasks() == before
    person.open("/")
    assert person.send("/trigger", **GOOD).status_code == 303


@pytest.mark.parametrize(
    "url", ["/trigger", "/dynflow/tasks", "/tasks/00000000-0000-0000-0000-000000000000/resume"]
)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_sites_may_not_post(client: FlaskClient, url: str, headers: dict[str, str]) -> None:
    """H-029, W-008: a foreign `Origin` or `Sec-Fetch-Site` is 403 on all surfaces."""
    assert client.post(url, data=GOOD, headers=headers).status_code == 403
