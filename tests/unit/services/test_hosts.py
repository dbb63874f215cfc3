"""What is said of a host from the time of its last message."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcoflow.clock import SystemClock
from mcoflow.domain.presence import Presence
from mcoflow.domain.requests import HostRecord
from mcoflow.services.hosts import Hosts
from mcoflow.storage import open_store

NOW = 1_800_000_000.0


class Noon:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Return the same moment, always."""
        return datetime.fromtimestamp(NOW, UTC)

    def monotonic(self) -> float:
        """Return the same second, always."""
        return 0.0


@pytest.mark.parametrize(
    ("record", "presence"),
    [
        (HostRecord("h", last_seen=NOW - 149), Presence.ONLINE),
        (HostRecord("h", last_seen=NOW - 151), Presence.LATE),
        (HostRecord("h", last_seen=NOW - 601), Presence.OFFLINE),
        (HostRecord("h", last_seen=NOW, state="down"), Presence.OFFLINE),
        (HostRecord("h", last_seen=NOW, admitted=False), Presence.PENDING),
    ],
)
def test_presence_goes_by_the_last_message(tmp_path: Path, record: HostRecord, presence: Presence) -> None:
    store = open_store(f"sqlite:///{tmp_path}/h.db", SystemClock())
    store.save_hosts([record])
    hosts = Hosts(store, Noon())
    assert hosts.list().items[0].presence is presence
    assert hosts.presence(["h", "never"]) == {"h": presence, "never": None}
    store.close()


def test_a_host_shows_its_facts_by_group_and_what_follows_from_them(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/h.db", SystemClock())
    facts = {"os": {"name": "Debian", "like": []}, "cpu": {"count": 4}, "mcoflow": {"agents": ["package"]}}
    store.save_hosts([HostRecord("h", last_seen=NOW, facts=facts), HostRecord("new", last_seen=NOW)])
    hosts = Hosts(store, Noon())
    found = hosts.show("h")
    assert [group.name for group in found.facts] == ["cpu", "mcoflow", "os"]
    assert (found.system, found.agents, found.problems) == ("Debian", ["package"], [])
    untold = hosts.show("new")
    assert (untold.system, untold.agents, untold.facts) == ("", [], [])
    store.close()


def test_simulated_hosts_are_found_among_others(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/h.db", SystemClock())
    store.save_hosts([HostRecord("played", simulated=True), HostRecord("real")])
    assert Hosts(store, Noon()).simulated({"played", "real", "never"}) == {"played"}
    store.close()


def test_pages_of_hosts_follow_each_other(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/h.db", SystemClock())
    store.save_hosts([HostRecord(f"web{number:02}", last_seen=NOW) for number in range(12)])
    hosts = Hosts(store, Noon())
    first = hosts.list(limit=5)
    second = hosts.list(limit=5, after=first.next)
    third = hosts.list(limit=5, after=second.next)
    names = [host.name for page in (first, second, third) for host in page.items]
    assert names == [f"web{number:02}" for number in range(12)]
    assert third.next == ""
    store.close()
