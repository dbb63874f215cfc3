"""W-038: who answers, who is silent, and an offline host in words; with and without script."""

from uuid import uuid4

from flask.testing import FlaskClient

from mcoflow.domain.requests import HostRecord
from tests.servers.house import House
from tests.unit.webui.conftest import Person
from tests.waiting import until

SIMULATED = ("sim-00001", "sim-00002", "sim-00003")


def discovered(person: Person, **fields: str) -> str:
    """Ask, and return the page when nobody is waited for any more, as somebody without script would."""
    person.open("/hosts")
    asked = person.send("/hosts/discoveries", **fields)
    assert asked.status_code == 303, asked.text
    until(lambda: "data-over" in person.open(asked.location).text, "the end of the discovery", within=15)
    return person.open(asked.location).text


def test_all_who_answer_are_shown_with_their_times(person: Person) -> None:
    page = discovered(person, target="sim-* and mcoflow.provider=fake")

    assert all(f'href="/hosts/{name}"' in page for name in SIMULATED)
    assert "All answered" in page
    assert "3 expected: 3 answered, 0 offline, 0 silent" in page
    assert page.count('data-label="after">') == 3
    assert "data-poll" not in page  # nothing will follow


def test_a_host_that_is_offline_is_told_in_words(person: Person, house: House) -> None:
    now = house.services.clock.now().timestamp()
    house.store.save_hosts([HostRecord("gone1", state="down", last_seen=now)])
    assert "Ping" in person.open("/hosts/gone1").text

    page = discovered(person, host="gone1")

    assert "Not all answered" in page
    assert "its agent was stopped" in page
    assert "1 expected: 0 answered, 1 offline, 0 silent" in page


def test_while_it_goes_on_the_page_fetches_its_part(person: Person, house: House) -> None:
    now = house.services.clock.now().timestamp()
    house.store.save_hosts([HostRecord("gone1", state="down", last_seen=now)])
    person.open("/hosts")
    asked = person.send("/hosts/discoveries", target="gone1 or sim-00001").location

    page = person.open(asked).text
    part = person.open(f"{asked}?part=discovery").text

    assert 'data-poll="0.6"' in page
    assert 'data-part="discovery"' in part
    assert "<html" not in part
    until(lambda: "data-over" in person.open(f"{asked}?part=discovery").text, "the end", within=15)


def test_a_target_that_is_none_is_told_where_it_was_written(person: Person) -> None:
    person.open("/hosts")
    refused = person.send("/hosts/discoveries", target="web1 andd <web2>")

    assert refused.status_code == 422
    assert 'value="web1 andd &lt;web2&gt;"' in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert "<web2>" not in refused.text
    assert person.send("/hosts/discoveries", host="a b").status_code == 422


def test_a_discovery_that_there_is_not(client: FlaskClient) -> None:
    assert client.get(f"/hosts/discoveries/{uuid4()}").status_code == 404
    assert client.post("/hosts/discoveries", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_two_daemons_with_one_name_and_a_clock_that_is_off_are_shown(
    client: FlaskClient, house: House
) -> None:
    """B-038, B-047: on the list and on the page of the host."""
    now = house.services.clock.now().timestamp()
    one, two = uuid4(), uuid4()
    twin = HostRecord("twin1", last_seen=now, daemon=one, rival=two, conflict_at=now, clock_difference=600.0)
    house.store.save_hosts([twin])

    listed, page = client.get("/hosts?q=twin1").text, client.get("/hosts/twin1").text

    assert "Conflict" in listed
    assert "clock off" in listed
    assert f"Two agents call themselves twin1: daemons {one} and {two}" in page
    assert "Its clock is 600 s ahead of the server" in page
    assert "conflict" in str(house.services.hosts.show("twin1").host.word)
    assert house.services.hosts.conflicts() == ["twin1"]
    house.store.save_hosts([HostRecord("twin1", last_seen=now)])
