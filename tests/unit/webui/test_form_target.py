"""The form for many hosts: a target, portions, the typed number, a preview."""

import re
from collections.abc import Callable
from time import time

import pytest
from flask.testing import FlaskClient

from mcoflow.domain.requests import HostRecord
from tests.servers.house import House
from tests.unit.webui.conftest import Person
from tests.unit.webui.test_form import made


@pytest.fixture(scope="module", autouse=True)
def rack(house: House) -> None:
    """Thirty hosts that are online: rack01 … rack30."""
    now = time()
    names = [f"rack{number:02}" for number in range(1, 31)]
    house.store.save_hosts([HostRecord(name, first_seen=now, last_seen=now, admitted=True) for name in names])


def value_of(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1]


def test_a_target_takes_the_place_of_names(person: Person, house: House) -> None:
    answer = person.send("/trigger", target="sim-*", param="nginx", action="install")

    assert answer.status_code == 303
    plan = house.services.plans.show(made(answer.headers["Location"]))
    assert plan.arguments["target"] == "sim-*"
    assert len(plan.hosts) == 3


def test_the_number_that_a_target_matches_now_has_to_be_typed(
    person: Person, tasks: Callable[[], int], house: House
) -> None:
    """W-012: and what is done with many hosts by default is filled in, and shown."""
    before = tasks()
    fields = {"target": "rack*", "param": "vim", "action": "install"}

    asked = person.send("/trigger", **fields)

    assert asked.status_code == 422
    assert "this goes to 30 hosts now: type 30 to confirm" in asked.text
    portions = {name: value_of(asked.text, name) for name in ("batch", "canary", "max_failures")}
    assert portions == {"batch": "25 %", "canary": "1", "max_failures": "10 %"}
    assert '<details class="options" open>' in asked.text
    assert person.send("/trigger", **fields, confirm="29").status_code == 422
    assert tasks() == before

    done = person.send("/trigger", **fields, **portions, confirm="30")

    assert done.status_code == 303
    assert house.services.plans.show(made(done.headers["Location"])).rollouts[0].waves == 5


def test_a_preview_names_all_hosts_and_waves_and_changes_nothing(
    person: Person, tasks: Callable[[], int]
) -> None:
    """W-012: whatever button comes after it, all that was typed is still there."""
    before = tasks()

    seen = person.send("/preview", target="rack*", param="vim", canary="2", batch="14")
    named = person.send("/preview", hostname="sim-00001, nobody")

    assert seen.status_code == 200
    assert "Preview: nothing was run" in seen.text
    assert all(f"rack{number:02}" in seen.text for number in range(1, 31))
    assert "30 hosts: 30 online. 3 waves: 2, 14, 14 hosts; the first 2 may not fail" in seen.text
    assert (value_of(seen.text, "param"), value_of(seen.text, "target")) == ("vim", "rack*")
    assert "Not online: nobody (never seen)." in named.text
    assert tasks() == before


def test_a_preview_names_whom_a_target_asks_for_and_nobody_is_called(person: Person) -> None:
    seen = person.send("/preview", target="rack01,rakc02,rack*", param="vim")

    assert "30 hosts: 30 online" in seen.text
    assert "No admitted host is called rakc02." in seen.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"target": "rack* andd x"}, "a target cannot go on with"),
        ({"target": "mail*"}, "no host that is known is meant"),
        ({"target": "rack*", "hostname": "web1"}, "give hosts or a target, not both"),
        ({"target": "group:nope"}, "there is no group"),
        ({"hostname": "web1", "batch": "many"}, "is no number of hosts"),
        ({"hostname": "web1", "batch": "0"}, "a wave has one host at least"),
        ({"hostname": "web1", "canary": "-1"}, "is no number of hosts"),
        ({"hostname": "web1", "max_failures": "101%"}, "is no number of hosts"),
        ({"hostname": "web1", "wait": "9999999"}, "is no number of seconds"),
        ({"hostname": "web1", "offline": "perhaps"}, "there are wait, skip, fail"),
    ],
)
@pytest.mark.parametrize("url", ["/trigger", "/preview"])
def test_what_is_wrong_is_told_at_its_field(
    person: Person, tasks: Callable[[], int], url: str, fields: dict[str, str], words: str
) -> None:
    """W-011: 422, the input kept, nothing made."""
    before = tasks()

    answer = person.send(url, param="vim", action="install", **fields)

    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert tasks() == before


def test_the_place_in_the_target_is_shown(person: Person) -> None:
    answer = person.send("/trigger", target="rack* andd x", param="vim", action="install")

    assert re.search(r"<pre>  rack\* andd x\n +\^</pre>", answer.text)


def test_the_echo_says_whom_a_target_means(client: FlaskClient) -> None:
    said = client.get("/", query_string={"part": "echo_target", "target": "rack*"}).text
    wrong = client.get("/", query_string={"part": "echo_target", "target": "rack* or"}).text
    mistyped = client.get("/", query_string={"part": "echo_target", "target": "rack01,rakc02"}).text
    assert "1 host: 1 online; no admitted host is called rakc02" in mistyped

    assert "30 hosts: 30 online" in said
    assert "expected" in wrong


def test_again_keeps_the_target_and_the_portions(person: Person) -> None:
    fields = {"target": "sim-*", "param": "vim", "action": "install", "batch": "1"}
    answer = person.send("/trigger", **fields)

    page = person.open(answer.headers["Location"]).text

    assert "/?target=sim-%2A&amp;param=vim&amp;batch=1" in page


def test_many_hosts_that_are_only_looked_at_need_no_waves(person: Person) -> None:
    asked = person.send("/trigger", target="rack*", action="ping")

    assert asked.status_code == 422
    assert value_of(asked.text, "batch") == ""


@pytest.mark.parametrize("action", ["", "dance", "__import__"])
def test_many_hosts_and_no_action_are_both_told(person: Person, action: str) -> None:
    many = ", ".join(f"web{number}" for number in range(21))

    asked = person.send("/trigger", hostname=many, param="vim", action=action)

    assert asked.status_code == 422
    assert "type 21 to confirm" in asked.text
    assert value_of(asked.text, "batch") == "25 %"
