"""What a store promises the pages and the command line."""

from collections.abc import Callable
from time import perf_counter, time
from uuid import UUID, uuid4

import pytest

from mcoflow.domain.records import PlanRecord
from mcoflow.domain.requests import EventRecord, HostRecord, RequestState, TimerRecord
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.errors import HostNotFoundError, PlanNotFoundError
from mcoflow.ports.backlog import Backlog
from mcoflow.ports.listing import Listing
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, draft, living_world, moved, owned, request, stored

MANY = 100_000


class PagesContract:
    """Plans in pages, newest first."""

    def test_pages_by_cursor_show_each_plan_once(self, store: WholeStore) -> None:
        """E-107: pages by cursor, each row once, also where many were made in the same moment."""
        stored(store, *(draft(created_at=float(n // 10)) for n in range(95)))

        seen: list[PlanRecord] = []
        query = Listing(limit=10)
        while page := store.plans(query):
            seen += page
            query = Listing(limit=10, before=(page[-1].created_at, page[-1].id))

        assert len(seen) == len({plan.id for plan in seen}) == 95
        assert [plan.created_at for plan in seen] == sorted((plan.created_at for plan in seen), reverse=True)

    def test_filters_narrow_the_page(self, store: WholeStore) -> None:
        """E-107: filters by state, result, action and text."""
        paused, stopped, planned = (draft(label=f"Plan {state}", state=state) for state in _STATES)
        stopped.plan.result, stopped.plan.action, stopped.plan.hosts = (
            PlanResult.WARNING,
            "Restart",
            ("db1.example.org",),
        )
        stored(store, paused, stopped, planned)

        def found(**filters: object) -> set[str]:
            return {plan.state for plan in store.plans(Listing(**filters))}  # type: ignore[arg-type]

        assert found() == {"paused", "stopped", "planned"}
        assert found(states=("paused", "planned")) == {"paused", "planned"}
        assert found(results=("warning",)) == {"stopped"}
        assert found(action="Restart") == {"stopped"}
        assert found(text="DB1.example") == {"stopped"}
        assert found(text="plan p") == {"paused", "planned"}
        assert found(text=str(planned.plan.id)) == {"planned"}
        assert found(text="100%_") == set()
        assert found(states=("paused",), text="planned") == set()

    def test_tasks_are_found_by_their_hosts_their_user_and_when_they_started(self, store: WholeStore) -> None:
        """Chapter 4.3 of the HTTP specification: names as a whole, one of several is enough."""
        web, both, late = (draft(label="by host") for _ in range(3))
        web.plan.hosts, both.plan.hosts, late.plan.hosts = ("web1",), ("web11", "db1"), ("web1.example.org",)
        web.plan.started_at, both.plan.started_at, late.plan.started_at = 10.0, 20.0, None
        late.plan.user = "bob"
        stored(store, web, both, late)

        def found(**filters: object) -> set[str]:
            plans = store.plans(Listing(text="by host", **filters))  # type: ignore[arg-type]
            return {host for plan in plans for host in plan.hosts}

        assert found(hosts=("web1",)) == {"web1"}
        assert found(hosts=("db1", "web1")) == {"web1", "web11", "db1"}
        assert found(hosts=("web_", "w%", '"')) == set()
        assert found(users=("bob", "cleo")) == {"web1.example.org"}
        assert found(started_after=10.0) == {"web11", "db1"}
        assert found(started_before=20.0) == {"web1"}
        assert found(hosts=("web1",), users=("bob",)) == set()

    def test_what_waits_is_counted(self, store: WholeStore) -> None:
        """E-115: the gauges of the database; what is confirmed, ended, or of a plan at rest does not wait."""
        assert store.backlog() == Backlog({}, 0, 0, None, 0, 0)
        stored(store, draft(), draft(state=PlanState.STOPPED), draft(state=PlanState.STOPPED))
        plan = owned(store, living_world(store)).plan
        plan.state = PlanState.RUNNING
        waits, confirmed, ended = request(plan.id), request(plan.id), request(plan.id)
        confirmed.confirmed, ended.state = True, RequestState.ENDED
        store.commit(
            Changes(
                plans=[plan],
                new_requests=[waits, confirmed, ended],
                new_timers=[TimerRecord(uuid4(), plan.id, 2, 9.0, "silence")],
                new_events=[EventRecord(uuid4(), plan.id, 2, 9.0, "user") for _ in range(2)],
            )
        )

        assert store.backlog() == Backlog(
            {"planned": 1, "running": 1, "stopped": 2}, 1, 1, waits.created_at, 2, 1
        )
        assert plan.owner is not None
        store.expire_world(plan.owner)
        assert store.backlog().without_owner == 2

    def test_an_unknown_state_counts_nothing(self, store: WholeStore) -> None:
        stored(store, draft())
        assert (store.count_plans(None), store.count_plans("planned"), store.count_plans("odd")) == (1, 1, 0)

    def test_looking_for_work_among_many_running_plans_takes_no_time(self, store: WholeStore) -> None:
        me = living_world(store)
        idle = _seconds(lambda: store.waiting(me, limit=100))
        stored(store, *(draft(0, owner=me, state=PlanState.RUNNING) for _ in range(10_000)))

        assert _seconds(lambda: store.waiting(me, limit=100)) < 5 * idle


class StepsContract:
    """One plan with all of it, or a part."""

    def test_unknown_ids_are_named(self, store: WholeStore) -> None:
        """E-108: `get` of an unknown id: PlanNotFoundError."""
        unknown = uuid4()
        for read in (store.plan, store.snapshot, store.whole):
            with pytest.raises(PlanNotFoundError, match=str(unknown)):
                read(unknown)
        with pytest.raises(PlanNotFoundError):
            store.step(stored(store, draft())[0], 99)
        assert [*store.history(unknown), *store.evidence(unknown), *store.steps(unknown)] == []

    def test_plans_are_found_by_how_their_ids_begin(self, store: WholeStore) -> None:
        first, second = (UUID(f"abcd{digit}" + uuid4().hex[5:]) for digit in "e8")
        stored(store, draft(1, plan_id=first), draft(1, plan_id=second))

        assert store.plans_beginning("abcd", limit=9) == [second, first]
        assert store.plans_beginning("abcd", limit=1) == [second]
        assert store.plans_beginning("abcde", limit=9) == [first]
        assert store.plans_beginning(first.hex, limit=9) == [first]
        assert store.plans_beginning("abcd0", limit=9) == []

    def test_steps_come_in_pages(self, store: WholeStore) -> None:
        new = draft(30)
        stored(store, new)

        first = store.steps(new.plan.id, limit=25)
        second = store.steps(new.plan.id, after=first[-1].step.id, limit=100)

        assert [row.step for row in (*first, *second)] == new.steps
        assert second[-1].input == '{"host":"web30"}'

    def test_a_step_shows_its_latest_request(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store))
        first, second = request(snapshot.plan.id), request(snapshot.plan.id)
        second.created_at += 5
        store.commit(
            Changes(
                plans=[snapshot.plan],
                steps=[moved(snapshot, 2, StepState.SUSPENDED)],
                new_requests=[second, first],
            )
        )

        row = store.step(snapshot.plan.id, 2)

        assert row == store.steps(snapshot.plan.id)[1]
        assert (row.request_id, row.request_note) == (second.id, "not yet sent")

    def test_the_clock_is_the_databases(self, store: WholeStore) -> None:
        assert abs(store.now() - time()) < 5


class HostsContract:
    """What is known of hosts."""

    def test_facts_that_are_not_told_stay_as_they_are(self, store: WholeStore) -> None:
        journal, daemon = uuid4(), uuid4()
        known = HostRecord(
            "web1",
            version="0.1.0",
            collectives=("main", "web"),
            journal=journal,
            daemon=daemon,
            first_seen=1.0,
            last_seen=1.0,
            facts={"os": "Debian"},
            facts_digest="f1",
            operations={"package": ["install"]},
            operations_digest="o1",
        )
        store.save_hosts([known])
        store.save_hosts(
            [HostRecord("web1", state="down", first_seen=7.0, last_seen=8.5, facts_digest="f2", executing=3)]
        )

        found = store.host("web1")

        assert (found.facts, found.facts_digest) == ({"os": "Debian"}, "f1")
        assert (found.operations, found.operations_digest) == ({"package": ["install"]}, "o1")
        assert (found.state, found.first_seen, found.last_seen, found.executing) == ("down", 1.0, 8.5, 3)

        store.save_hosts([HostRecord("web1", facts={}, facts_digest="f3")])
        assert (store.host("web1").facts, store.host("web1").facts_digest) == ({}, "f3")

    def test_hosts_that_two_daemons_claim_are_found(self, store: WholeStore) -> None:
        """B-038: with the name of the other one."""
        claimed = HostRecord("web2", daemon=uuid4(), rival=uuid4(), conflict_at=50.5)
        store.save_hosts([HostRecord("web1"), claimed, HostRecord("web3", conflict_at=49.0)])

        assert store.hosts_in_conflict(50.0) == [claimed]
        store.save_hosts([HostRecord("web2")])
        assert store.hosts_in_conflict(50.0) == []

    def test_a_host_comes_back_as_it_was(self, store: WholeStore) -> None:
        known = HostRecord(
            "web1",
            simulated=True,
            journal=uuid4(),
            facts={"a": [1, None]},
            operations={},
            operations_digest="o1",
        )
        store.save_hosts([known])
        assert store.host("web1") == known

    def test_operations_are_stored_once_for_all_hosts_that_declare_the_same(self, store: WholeStore) -> None:
        """B-041: 10,000 hosts do not hold 10,000 copies."""
        same = {"package.install": {"summary": "x"}}
        told = [HostRecord(f"web{n}", operations=same, operations_digest="o1") for n in range(3)]
        store.save_hosts([*told, HostRecord("db1", operations={}, operations_digest="o2")])
        store.save_hosts(
            [HostRecord("web9", operations_digest="o1"), HostRecord("new", operations_digest="o3")]
        )

        found = store.declarations()

        assert [(each.digest, each.operations, each.hosts) for each in found] == [
            ("o1", same, 4),
            ("o2", {}, 1),
        ]
        assert set(store.declared_digests()) == {"o1", "o2"}
        assert (store.host("web9").operations, store.host("new").operations) == (same, None)

        store.save_hosts([HostRecord("web9", operations_digest="o2")])
        assert store.host("web9").operations == {}

    def test_hosts_are_found_by_what_they_declare(self, store: WholeStore) -> None:
        """B-041: who lacks an operation is asked for at once, not host by host."""
        for name, digest in (("web2", "o1"), ("db1", "o2"), ("web1", "o1"), ("new", ""), ("old", "o3")):
            store.save_hosts([HostRecord(name, operations={}, operations_digest=digest)])

        assert store.hosts_declaring(["o1", "o2"]) == [("db1", "o2"), ("web1", "o1"), ("web2", "o1")]
        assert store.hosts_declaring([]) == []

    def test_hosts_are_listed_by_name_without_their_facts(self, store: WholeStore) -> None:
        store.save_hosts([HostRecord(name, facts={"long": "x"}) for name in ("web2", "db1", "web1", "web10")])

        assert [host.identity for host in store.hosts()] == ["db1", "web1", "web10", "web2"]
        assert [host.identity for host in store.hosts(after="web1", limit=1)] == ["web10"]
        assert [host.identity for host in store.hosts(text="DB")] == ["db1"]
        assert {host.facts is None for host in store.hosts()} == {True}

    def test_hosts_are_found_by_name_at_once_and_those_never_seen_left_out(self, store: WholeStore) -> None:
        store.save_hosts([HostRecord(name, facts={"long": "x"}) for name in ("web2", "db1", "web1")])

        found = store.hosts_named(["web9", "web2", "db1"])
        assert [(host.identity, host.facts) for host in found] == [("db1", None), ("web2", None)]
        assert store.hosts_named([]) == []

    def test_a_host_never_seen_is_named(self, store: WholeStore) -> None:
        with pytest.raises(HostNotFoundError, match="web9"):
            store.host("web9")


_STATES = (PlanState.PAUSED, PlanState.STOPPED, PlanState.PLANNED)


def _seconds(read: Callable[[], object]) -> float:
    """Return the shortest of some runs: other work on the machine is not the store's fault."""
    took = []
    for _ in range(50):
        start = perf_counter()
        read()
        took.append(perf_counter() - start)
    return min(took)
