"""Facts as people read them."""

from datetime import UTC, datetime

from mcoflow.domain.target_match import agents_in
from mcoflow.services.facts import grouped, problems_of, system_of
from mcoflow.services.views import Fact, FactGroup


def test_facts_are_grouped_by_their_first_word_and_in_order() -> None:
    facts = {"rack": "a7", "os": {"name": "Debian", "like": []}, "net": {"lo": {"ipv4": ["127.0.0.1"]}}}
    assert grouped(facts) == [
        FactGroup("net", (Fact("lo.ipv4", ["127.0.0.1"]),)),
        FactGroup("os", (Fact("like", []), Fact("name", "Debian"))),
        FactGroup("other", (Fact("rack", "a7"),)),
    ]


def test_sizes_and_times_are_told_apart_from_other_numbers_and_texts() -> None:
    facts = {
        "memory": {"total": 2**31, "swap": None},
        "disk": {"/": {"total": 10**9, "type": "ext4"}},
        "cpu": {"total": 4},
        "uptime": {"since": "2026-11-21T05:53:48Z", "was": "2026-99-99T00:00:00Z"},
    }
    found = {f"{group.name}.{fact.name}": fact for group in grouped(facts) for fact in group.facts}
    sizes = {name: fact.size for name, fact in found.items() if fact.size is not None}
    assert sizes == {"memory.total": 2**31, "disk./.total": 10**9}
    times = {name: fact.at for name, fact in found.items() if fact.at is not None}
    assert times == {"uptime.since": datetime(2026, 11, 21, 5, 53, 48, tzinfo=UTC)}


def test_what_the_daemon_tells_of_itself_is_read_whatever_its_shape() -> None:
    facts = {
        "os": {"name": "Debian GNU/Linux", "version": "12.11"},
        "mcoflow": {"agents": ["host", "mine"], "broken_agents": ["mine"], "facts_errors": ["a.yaml: empty"]},
    }
    assert system_of(facts) == "Debian GNU/Linux 12.11"
    assert list(agents_in(facts)) == ["host"]
    assert problems_of(facts) == ["agent mine could not be loaded", "facts: a.yaml: empty"]
    odd = {"os": "Plan 9", "mcoflow": {"agents": "all"}}
    assert (system_of(odd), list(agents_in(odd)), problems_of(odd)) == ("", [], [])
