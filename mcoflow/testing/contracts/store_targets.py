"""What a store promises of finding hosts, and of groups."""

import json
from dataclasses import replace
from uuid import uuid4

import pytest

from mcoflow.domain.groups import GroupRecord
from mcoflow.domain.requests import HostRecord, RequestState
from mcoflow.domain.states import PlanState
from mcoflow.errors import HostBusyError
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, draft, request


class TargetsContract:
    """B-057: what a target is resolved against."""

    def test_candidates_are_the_admitted_hosts_by_name_with_facts_if_wanted(self, store: WholeStore) -> None:
        facts = {"role": "wéb", "os": {"family": "debian"}}
        store.save_hosts(
            [
                HostRecord("web2", last_seen=5.5, collectives=("main", "lab"), state="down", facts=facts),
                HostRecord("web1", simulated=True, last_seen=7.0),
                HostRecord("web3", admitted=False, facts=facts),
            ]
        )

        brief, whole = store.candidates(facts=False), store.candidates(facts=True)

        assert [each.host.identity for each in brief] == ["web1", "web2"]
        assert [each.told for each in brief] == [None, None]
        assert [each.host for each in brief] == [each.host for each in whole]
        assert brief[0].host == HostRecord("web1", simulated=True, last_seen=7.0)
        assert brief[1].host == HostRecord("web2", state="down", collectives=("main", "lab"), last_seen=5.5)
        assert whole[0].told is None
        assert json.loads(whole[1].told or "") == facts

    def test_hosts_are_pending_until_they_are_admitted(self, store: WholeStore) -> None:
        """B-012: a person's word is not undone by what a host, or an executor, says later."""
        waiting = [
            HostRecord(name, admitted=False, first_seen=at)
            for name, at in (("b", 2.0), ("a", 3.0), ("c", 1.0))
        ]
        store.save_hosts([*waiting, HostRecord("d")])
        assert store.pending_hosts(2) == ["c", "b"]

        assert set(store.admit_hosts(["b", "d", "x"])) == {"b", "d"}
        store.save_hosts([replace(each, last_seen=9.0) for each in waiting])

        assert store.pending_hosts(9) == ["c", "a"]
        assert [host.last_seen for host in store.hosts_named(["b"])] == [9.0]
        assert store.remove_host("c")
        assert not store.remove_host("c")
        assert store.pending_hosts(9) == ["a"]

    def test_a_host_with_open_requests_is_not_forgotten(self, store: WholeStore) -> None:
        """4.1 of the HTTP specification: nobody would say any more where the work went."""
        store.save_hosts([HostRecord("web1"), HostRecord("web2")])
        plan, over = draft(1, plan_id=uuid4()), draft(1, plan_id=uuid4())
        over.plan.state = PlanState.STOPPED
        sent, ended = request(plan.plan.id), replace(request(plan.plan.id, 3), state=RequestState.ENDED)
        store.commit(Changes(new_plans=[plan, over]))
        store.commit(Changes(new_requests=[sent, ended, request(over.plan.id)]))

        with pytest.raises(HostBusyError, match=f"web1 has 1 open request, one of task {plan.plan.id}"):
            store.remove_host("web1")

        assert [host.identity for host in store.hosts_named(["web1"])] == ["web1"]
        assert store.remove_host("web2")

    def test_a_group_is_kept_until_it_is_replaced_or_removed(self, store: WholeStore) -> None:
        old, web = GroupRecord("old", "os.version<11", "ann", 1.5), GroupRecord("web", "web*", "böb", 2.5)
        assert store.groups() == []
        for group in (web, old):
            store.save_group(group)
        assert store.groups() == [old, web]

        newer = GroupRecord("old", "os.version<12", "cleo", 3.5)
        store.save_group(newer)
        assert store.groups() == [newer, web]

        assert store.remove_group("old")
        assert not store.remove_group("old")
        assert store.groups() == [web]

    def test_odd_characters_of_a_target_hurt_no_group(self, store: WholeStore) -> None:
        store.save_group(GroupRecord("odd", "a='\0\ud800%s'", "ann", 1.0))
        assert store.groups()[0].target == "a='" + 4 * "\ufffd" + "%s'"
