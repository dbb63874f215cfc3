"""What a store promises of the hosts of a plan: how they stand, and what went wrong on many of them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from uuid import UUID, uuid4

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import ErrorRecord
from mcoflow.domain.standing import Standing
from mcoflow.domain.states import Phase, StepState
from mcoflow.ports.fleet import Cell, StepsWanted, Trouble, Verdict
from mcoflow.ports.store import Changes, StepChange
from mcoflow.testing.contracts.samples import WholeStore, draft, living_world, owned, stored

Ends = Mapping[int, tuple[StepState, Outcome | None, str]]
"""How hosts end, by number: state, outcome and reason or message."""

_MIXED: Final[Ends] = {
    1: (StepState.SUCCESS, Outcome.OK, ""),
    2: (StepState.ERROR, Outcome.FAILED, "no such package"),
    3: (StepState.ERROR, Outcome.FAILED, "disk is full"),
    4: (StepState.ERROR, Outcome.FAILED, "no such package"),
    5: (StepState.ERROR, Outcome.NOT_PICKED_UP, "last heard of 7 s ago"),
    6: (StepState.ERROR, Outcome.NOT_PICKED_UP, "last heard of 9 s ago"),
    7: (StepState.ERROR, Outcome.LOST, "the agent has no record of it"),
    8: (StepState.SUSPENDED, None, ""),
    9: (StepState.CANCELLED, Outcome.CANCELLED, ""),
}
_NO_SUCH_PACKAGE: Final = ErrorRecord("HostError", "no such package")


def _mixed(store: WholeStore) -> UUID:
    """Store a plan on web1 … web11 that is under way; web10 and web11 have not begun."""
    snapshot = owned(store, living_world(store), 11)
    steps = {step.id: step for step in snapshot.steps}
    changes = []
    for number, (state, outcome, said) in _MIXED.items():
        error = ErrorRecord("HostError", said) if state is StepState.ERROR else None
        reason = {Outcome.FAILED: "exit 100", Outcome.LOST: said}.get(outcome or Outcome.OK, "")
        step = steps[2 * number]
        moved = replace(step, state=state, outcome=outcome, reason=reason, error=error, ended_at=7.5)
        changes.append(StepChange(snapshot.plan.id, step.state, moved))
    store.commit(Changes(plans=[snapshot.plan], steps=changes))
    return snapshot.plan.id


class FleetContract:
    """B-059: counts, pages and groups of the hosts of one plan, whatever their number."""

    def test_hosts_are_counted_by_how_they_stand(self, store: WholeStore) -> None:
        assert dict(store.standings(_mixed(store))) == {
            Standing.OK: 1,
            Standing.NOT_BEGUN: 2,
            Standing.UNDER_WAY: 1,
            Standing.CANCELLED: 1,
            Standing.NOT_PICKED_UP: 2,
            Standing.FAILED: 3,
            Standing.LOST: 1,
        }
        assert store.standings(uuid4()) == {}

    def test_the_same_trouble_of_several_hosts_is_told_once(self, store: WholeStore) -> None:
        """Not what differs from host to host: how long one was away, says nothing of the others."""
        found = store.troubles(_mixed(store), limit=20, named=1)

        assert [(each.trouble.standing, each.number, each.hosts) for each in found] == [
            (Standing.NOT_PICKED_UP, 2, ("web5",)),
            (Standing.FAILED, 2, ("web2",)),
            (Standing.FAILED, 1, ("web3",)),
            (Standing.LOST, 1, ("web7",)),
        ]
        assert found[1].trouble == Trouble(Standing.FAILED, "exit 100", _NO_SUCH_PACKAGE)
        assert found[3].trouble.reason == "the agent has no record of it"
        assert found[0].trouble.error is None

    def test_only_the_most_frequent_troubles_are_told(self, store: WholeStore) -> None:
        plan = _mixed(store)

        assert [each.number for each in store.troubles(plan, limit=2, named=3)] == [2, 2]
        assert store.troubles(plan, limit=2, named=3)[1].hosts == ("web2", "web4")

    def test_hosts_come_in_pages_by_name(self, store: WholeStore) -> None:
        plan = _mixed(store)

        first = store.hosts_standing(plan, limit=4)
        rest = store.hosts_standing(plan, after=first[-1].host, limit=50)

        assert [each.host for each in first] == ["web1", "web10", "web11", "web2"]
        assert [each.host for each in rest] == [f"web{number}" for number in range(3, 10)]
        assert (first[3].standing, first[3].step_id, first[3].ended_at) == (Standing.FAILED, 4, 7.5)

    def test_hosts_are_chosen_by_how_they_stand_and_by_their_trouble(self, store: WholeStore) -> None:
        plan = _mixed(store)
        (like,) = [each for each in store.hosts_standing(plan) if each.host == "web4"]

        lost = store.hosts_standing(plan, standings=[Standing.LOST, Standing.UNDER_WAY])
        same = store.hosts_standing(plan, trouble=like.trouble)
        away = store.hosts_standing(plan, trouble=Trouble(Standing.NOT_PICKED_UP), after="web5")

        assert [each.host for each in lost] == ["web7", "web8"]
        assert [each.host for each in same] == ["web2", "web4"]
        assert [each.host for each in away] == ["web6"]

    def test_one_host_can_be_asked_for(self, store: WholeStore) -> None:
        plan = _mixed(store)
        found = store.standing_of(plan, "web3")

        assert found is not None
        assert found.trouble.error == ErrorRecord("HostError", "disk is full")
        assert store.standing_of(plan, "mail1") is None

    def test_the_heat_of_many_hosts_is_the_worst_of_each_few(self, store: WholeStore) -> None:
        """W-031: web1 web10 web11 web2 | web3 web4 web5 web6 | web7 web8 web9"""
        plan = _mixed(store)

        assert store.heat(plan, hosts=11, cells=3) == [
            Cell("web1", "web2", 4, Standing.FAILED),
            Cell("web3", "web6", 4, Standing.FAILED),
            Cell("web7", "web9", 3, Standing.LOST),
        ]
        assert len(store.heat(plan, hosts=11, cells=400)) == 11
        assert sum(cell.number for cell in store.heat(plan, hosts=11, cells=4)) == 11

    def test_hosts_are_named_by_what_became_of_a_step(self, store: WholeStore) -> None:
        plan = _mixed(store)

        found = store.hosts_with(plan, [Outcome.NOT_PICKED_UP, Outcome.LOST], limit=2)

        assert found == (3, ["web5", "web6"])
        assert store.hosts_with(plan, [Outcome.REJECTED], limit=2) == (0, [])

    def test_a_host_that_has_done_a_part_is_under_way(self, store: WholeStore) -> None:
        """Between two of its steps nothing runs, and yet it has begun; the worst of them decides."""
        new = draft(3)
        one, two, three = (step for step in new.steps if step.host)
        one.host = two.host = three.host = "web1"
        one.state = StepState.SUCCESS
        (plan,) = stored(store, new)

        assert dict(store.standings(plan)) == {Standing.UNDER_WAY: 1}
        (found,) = store.hosts_standing(plan, standings=[Standing.UNDER_WAY])
        assert found.step_id == two.id

    def test_a_host_where_a_failure_was_borne_is_warned(self, store: WholeStore) -> None:
        """B-059: it came to a good end and is not plainly ok; while it is not over, it is under way."""
        new = draft(4)
        one, two, three, four = (step for step in new.steps if step.host)
        for step, outcome in ((one, Outcome.FAILED), (two, Outcome.OK), (three, None), (four, None)):
            step.state, step.outcome = StepState.SUCCESS, outcome
        two.warnings = ("look at it",)
        four.state, three.host, three.warnings = StepState.PENDING, four.host, ("look at it",)
        (plan,) = stored(store, new)

        assert dict(store.standings(plan)) == {Standing.WARNED: 2, Standing.UNDER_WAY: 1}
        warned = store.hosts_standing(plan, standings=[Standing.WARNED])
        assert [(each.host, each.warnings) for each in warned] == [
            (one.host, ()),
            (two.host, ("look at it",)),
        ]
        assert set(store.verdicts(plan).values()) == {Verdict.SUCCEEDED, Verdict.OPEN}
        assert [cell.worst for cell in store.heat(plan, hosts=3, cells=1)] == [Standing.UNDER_WAY]

    def test_steps_are_read_by_state_host_and_phase(self, store: WholeStore) -> None:
        """H-044: page by page, without their data."""
        plan_id = _mixed(store)
        in_error = StepsWanted(states=[StepState.ERROR])

        first = store.steps_among(plan_id, in_error, limit=2)
        rest = store.steps_among(plan_id, in_error, after=first[-1].id)

        assert [step.host for step in (*first, *rest)] == [f"web{number}" for number in range(2, 8)]
        assert [step.outcome for step in first] == [Outcome.FAILED, Outcome.FAILED]
        on_web1 = StepsWanted(hosts=["web1", "web9"], states=[StepState.SUCCESS], phases=[Phase.RUN])
        assert [step.host for step in store.steps_among(plan_id, on_web1)] == ["web1"]
        assert store.steps_among(plan_id, StepsWanted(phases=[Phase.REVERT])) == []
        assert store.steps_among(uuid4(), StepsWanted()) == []
