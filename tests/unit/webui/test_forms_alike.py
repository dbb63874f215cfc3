"""All forms say alike on which hosts, in which portions and when: the main one, and those made of schemas."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from time import time

import pytest
from flask.testing import FlaskClient

from mcoflow.domain.requests import HostRecord
from mcoflow.domain.states import PlanState
from tests.servers.house import House
from tests.statements import counted
from tests.unit.webui.conftest import Person
from tests.unit.webui.test_cost import STATEMENTS_PER_PAGE
from tests.unit.webui.test_form import made
from tests.unit.webui.test_form_target import value_of
from tests.unit.webui.test_new import Login

MAIN = ("/trigger", "/preview", {"param": "vim", "action": "install"})
ACTION = ("/new/install", "/new/install/preview", {"input.package": "vim"})
OPERATION = ("/new/host.ping", "/new/host.ping/preview", {})
FORMS = [MAIN, ACTION, OPERATION]


@pytest.fixture(scope="module", autouse=True)
def shelf(house: House) -> None:
    """Thirty hosts that are online: shelf01 … shelf30."""
    now = time()
    names = [f"shelf{number:02}" for number in range(1, 31)]
    house.store.save_hosts([HostRecord(name, first_seen=now, last_seen=now, admitted=True) for name in names])


def fields_of(page: str) -> set[str]:
    return {
        name
        for name in re.findall(r'name="([a-z_]+)"', page)
        if name not in ("key", "csrf_token", "viewport")
    }


def test_a_form_by_schema_has_the_same_fields_as_the_main_one(client: FlaskClient) -> None:
    main = fields_of(client.get("/").text) - {"param", "action"}

    assert main >= {"hostname", "target", "limit", "batch", "offline", "start_at", "start_before", "check"}
    assert fields_of(client.get("/new/install").text) == main
    assert fields_of(client.get("/new/host.ping").text) == main - {"check"}


def test_an_action_that_takes_no_hosts_is_not_asked_for_any(client: FlaskClient) -> None:
    fields = fields_of(client.get(f"/new/{Login.name}").text)

    assert not fields & {"hostname", "target", "batch"}
    assert "start_at" in fields


@pytest.mark.parametrize(("url", "look", "fields"), FORMS)
def test_the_preview_of_each_form_names_hosts_and_waves_and_keeps_what_was_typed(
    person: Person, tasks: Callable[[], int], url: str, look: str, fields: dict[str, str]
) -> None:
    """W-012."""
    before = tasks()

    seen = person.send(look, target="shelf*", limit="29", canary="1", batch="14", key="mine", **fields)

    assert seen.status_code == 200
    assert "29 of 30 hosts: 29 online. 3 waves: 1, 14, 14 hosts" in seen.text
    assert "shelf29" in seen.text
    assert "shelf30</li>" not in seen.text
    typed = {"target": "shelf*", "limit": "29", "canary": "1", "batch": "14", "key": "mine"}
    assert {name: value_of(seen.text, name) for name in typed} == typed
    for name in fields.keys() - {"action"}:
        assert value_of(seen.text, name) == "vim"
    assert tasks() == before


@pytest.mark.parametrize(("url", "look", "fields"), FORMS)
def test_each_form_asks_for_the_number_of_many_hosts(
    person: Person, tasks: Callable[[], int], house: House, url: str, look: str, fields: dict[str, str]
) -> None:
    """W-012: a wrong number starts nothing; the portions of many hosts are filled in, and shown."""
    before = tasks()

    asked = person.send(url, target="shelf*", **fields)

    assert asked.status_code == 422
    assert "this goes to 30 hosts now: type 30 to confirm" in asked.text
    looks = url == OPERATION[0]  # who only looks needs no waves
    assert value_of(asked.text, "batch") == ("" if looks else "25 %")
    assert person.send(url, target="shelf*", confirm="29", **fields).status_code == 422
    assert tasks() == before

    done = person.send(url, target="shelf*", confirm="30", offline="skip", **fields)

    plan = house.services.plans.show(made(done.headers["Location"]))
    assert (plan.arguments["target"], plan.arguments["rollout"]["offline"]) == ("shelf*", "skip")
    assert len(plan.hosts) == 30


@pytest.mark.parametrize(("url", "look", "fields"), FORMS)
@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"target": "shelf* andd x"}, "target", "a target cannot go on with"),
        ({"target": "shelf*", "hostname": "web1"}, "target", "give hosts or a target, not both"),
        ({"hostname": "web1", "limit": "3"}, "limit", "it chooses among the hosts of a target"),
        ({"target": "shelf*", "limit": "0"}, "limit", "a limit of 0 hosts would run nothing"),
        ({"target": "shelf*", "limit": "x"}, "limit", "is no number of hosts"),
        ({"hostname": "web1", "batch": "many"}, "batch", "is no number of hosts"),
    ],
)
def test_each_form_refuses_alike(
    person: Person,
    tasks: Callable[[], int],
    url: str,
    look: str,
    fields: dict[str, str],
    wrong: dict[str, str],
    field: str,
    words: str,
) -> None:
    """W-011: 422, the fault at its field with a link to it, the input kept, nothing made."""
    before = tasks()
    for where in (url, look):
        answer = person.send(where, **wrong, **fields)
        page = unescape(answer.text)
        assert answer.status_code == 422
        assert words in page
        assert f'href="#{field}"' in page
        assert f'id="fault-{field}"' in page
    assert tasks() == before


@pytest.mark.parametrize(("url", "look", "fields"), FORMS)
def test_each_form_starts_a_task_later(
    person: Person, house: House, url: str, look: str, fields: dict[str, str]
) -> None:
    """Pages, 3.1: the page afterwards shows it scheduled; sent twice it is one task."""
    times = {"start_at": "+2h", "start_before": "+3h"}
    key = f"later {url}"

    sent = [person.send(url, hostname="sim-00001", key=key, **times, **fields) for _ in range(2)]

    plan = house.services.plans.show(made(sent[0].headers["Location"]))
    assert made(sent[1].headers["Location"]) == plan.id
    assert plan.state is PlanState.SCHEDULED
    assert plan.schedule is not None
    assert plan.schedule.start_at is not None
    assert plan.schedule.start_before is not None
    ahead = plan.schedule.start_at - house.services.clock.now()
    assert timedelta(hours=1, minutes=58) < ahead <= timedelta(hours=2)
    page = person.open(sent[0].headers["Location"]).text
    assert "Scheduled" in page
    assert re.search(r"Starts <time[^>]*>", page)


@pytest.mark.parametrize(("url", "look", "fields"), FORMS)
@pytest.mark.parametrize(
    ("times", "field", "words"),
    [
        ({"start_at": "soon"}, "start_at", "'soon' is no time: write 2026-11-22T04:00"),
        ({"start_at": "2020-01-01T04:00"}, "start_at", "2020-01-01 04:00:00 UTC is in the past"),
        ({"start_before": "9999-12-31T23:59-10:00"}, "start_before", "is no time"),
        ({"start_at": "+2h", "start_before": "+1h"}, "start_before", "it would never run"),
    ],
)
def test_times_that_cannot_be_are_told_at_their_field(
    person: Person,
    tasks: Callable[[], int],
    url: str,
    look: str,
    fields: dict[str, str],
    times: dict[str, str],
    field: str,
    words: str,
) -> None:
    """W-011: together with what else is wrong."""
    before = tasks()

    answer = person.send(url, hostname="a/b", **times, **fields)

    page = unescape(answer.text)
    assert answer.status_code == 422
    assert words in page
    assert f'id="fault-{field}"' in page
    assert 'id="fault-hostname"' in page
    assert tasks() == before


def test_times_without_a_zone_are_those_of_the_reader(person: Person, house: House) -> None:
    person.client.set_cookie("tz", "Asia/Tokyo")

    sent = person.send("/new/host.ping", hostname="sim-00001", start_at="2036-07-01T04:00")

    schedule = house.services.plans.show(made(sent.headers["Location"])).schedule
    assert schedule is not None
    assert schedule.start_at == datetime(2036, 6, 30, 19, tzinfo=UTC)
    assert "Times in Asia/Tokyo." in person.open("/new/host.ping").text


def test_a_form_by_schema_says_back_whom_a_target_means(client: FlaskClient) -> None:
    said = client.get("/new/install", query_string={"part": "echo_target", "target": "shelf*"}).text

    assert "30 hosts: 30 online" in said


# -- what hosts go through, and who would refuse -------------------------------------------------------------


@pytest.fixture(scope="module")
def bare(house: House) -> None:
    """Three hosts that offer a sign of life only: bare1, bare2, bare3."""
    now = time()
    told = {"host.ping": {"summary": "x"}}
    for number in range(1, 4):
        name = f"bare{number}"
        host = HostRecord(name, last_seen=now, operations=told, operations_digest="bare")
        house.store.save_hosts([host])


def steps_in(page: str) -> list[str]:
    shown = page.split("What each host goes through")[1].split("</dl>", maxsplit=1)[0]
    return [unescape(step) for step in re.findall(r"<(?:li|dd)>([^<]+)</", shown)]


@pytest.mark.parametrize(("url", "look", "fields"), FORMS)
def test_each_preview_tells_what_a_host_goes_through(
    person: Person, url: str, look: str, fields: dict[str, str]
) -> None:
    seen = person.send(look, target="shelf*", **fields)

    wanted = {"/new/host.ping": "Run host.ping"}.get(url, "Install package vim")
    assert steps_in(seen.text)[0] == wanted


def test_the_main_form_tells_it_of_every_button_that_the_param_fits(person: Person) -> None:
    """Before one of them is pressed; a param for both sides fits only the last."""
    one = person.send("/preview", hostname="sim-00001", param="vim").text
    both = person.send("/preview", hostname="sim-00001", param="vim,nano;web").text
    none = person.send("/preview", hostname="sim-00001").text

    assert re.findall(r"<dt>([^<]*)</dt>", one) == ["Install", "Uninstall", "Restart", "Install and restart"]
    assert re.findall(r"<dt>([^<]*)</dt>", both) == ["Install and restart"]
    assert steps_in(both)[:4] == [
        "Try to install vim",
        "Try to install nano",
        "Go on if something was installed",
        "Restart service web",
    ]
    assert "What each host goes through" not in none


@pytest.mark.parametrize(("url", "look", "fields"), [MAIN, ACTION])
def test_hosts_that_would_refuse_are_named_before_anything_runs(
    person: Person,
    tasks: Callable[[], int],
    house: House,
    bare: None,
    url: str,
    look: str,
    fields: dict[str, str],
) -> None:
    """B-041: by the declarations that the server knows; it runs when somebody says so."""
    before = tasks()
    names = "bare1, bare2, bare3, sim-00001"
    words = "3 of 4 hosts do not offer package.install: bare1, bare2, bare3"

    seen = person.send(look, hostname=names, **fields)
    asked = person.send(url, hostname=names, **fields)

    assert seen.status_code == 200
    assert f"{words}; there it ends as rejected." in seen.text
    assert asked.status_code == 422
    assert f"{words}; there it ends as rejected: type 4 to confirm" in asked.text
    assert tasks() == before
    done = person.send(url, hostname=names, confirm="4", **fields)
    assert len(house.services.plans.show(made(done.headers["Location"])).hosts) == 4


@pytest.mark.parametrize("where", [{"hostname": "bare1, bare2"}, {"target": "bare*"}])
@pytest.mark.parametrize(("url", "look", "fields"), [MAIN, ACTION])
def test_what_no_host_offers_is_refused(
    person: Person,
    tasks: Callable[[], int],
    bare: None,
    where: dict[str, str],
    url: str,
    look: str,
    fields: dict[str, str],
) -> None:
    """B-041: clearly, and with the way out."""
    before = tasks()

    answer = person.send(url, confirm="3", **where, **fields)

    assert answer.status_code == 422
    assert "hosts do not offer package.install: bare1, bare2" in answer.text
    assert "name package in [agent] agents there, or leave them out" in answer.text
    assert f'id="fault-{next(iter(where))}"' in answer.text
    assert tasks() == before


def test_many_hosts_and_some_that_refuse_are_told_at_once(person: Person, bare: None) -> None:
    """So that a number that is typed is typed by somebody who knows both."""
    names = ", ".join(["bare1", *(f"shelf{number:02}" for number in range(1, 31))])

    asked = person.send("/trigger", hostname=names, param="vim", action="install")

    assert (
        "this goes to 31 hosts; 1 of 31 hosts does not offer package.install: bare1; "
        "there it ends as rejected: type 31 to confirm" in asked.text
    )


def test_a_preview_takes_few_statements_whatever_it_tells(person: Person, bare: None) -> None:
    """Pages, 2.7: also where four buttons could be pressed."""
    with counted() as statements:
        seen = person.send("/preview", target="shelf* or bare*", param="vim")

    assert "3 of 33 hosts do not offer" in seen.text
    assert 0 < len(statements) <= STATEMENTS_PER_PAGE, statements
