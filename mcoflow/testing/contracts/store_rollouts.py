"""What a store promises of rollouts: who takes turns, and how far it is, come back with the plan."""

from dataclasses import replace
from uuid import uuid4

from mcoflow.domain.rollout import CAREFUL, Branches, RolloutRecord, Tally
from mcoflow.domain.states import StepState
from mcoflow.ports.fleet import Verdict
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, draft, living_world, moved, owned, stored


class RolloutsContract:
    """B-060: an executor that takes a plan over knows all that the one before knew."""

    def test_who_takes_turns_comes_back_with_the_graph(self, store: WholeStore) -> None:
        new = draft(3)
        new.graph = replace(new.graph, rollouts=(Branches(CAREFUL, (1, 3, 5), (2, 4, 6)),))
        stored(store, new)

        assert store.snapshot(new.plan.id).graph == new.graph

    def test_how_far_a_rollout_is_comes_back_with_the_plan(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store), 3)
        assert snapshot.plan.rollout is None
        told = Tally(hosts=3, waves=2, wave=2, ok=1, failed=1, answered=1, offline=1, opens_at=7.5)
        for warned in (0, 1):
            told = replace(told, warned=warned)
            snapshot.plan.rollout = RolloutRecord((told,), pause_after_wave=True)
            snapshot.plan.warned = warned

            store.commit(Changes(plans=[snapshot.plan]))

            found = store.plan(snapshot.plan.id)
            assert (found.rollout, found.warned) == (snapshot.plan.rollout, warned)

    def test_the_worst_of_its_steps_is_how_a_host_stands(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store), 5)
        states = (StepState.SUCCESS, StepState.ERROR, StepState.CANCELLED, StepState.SKIPPED)
        changed = [moved(snapshot, 2 * number, state) for number, state in enumerate(states, 1)]

        store.commit(Changes(plans=[snapshot.plan], steps=changed))

        assert store.verdicts(snapshot.plan.id) == {
            "web1": Verdict.SUCCEEDED,
            "web2": Verdict.FAILED,
            "web3": Verdict.CANCELLED,
            "web4": Verdict.SKIPPED,
            "web5": Verdict.OPEN,
        }
        assert store.verdicts(uuid4()) == {}
