"""What a store promises of rollouts: who takes turns, and how far it is, come back with the plan."""

from dataclasses import replace

from mcoflow.domain.rollout import CAREFUL, Branches, RolloutRecord, Tally
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, draft, living_world, owned, stored


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
        snapshot.plan.rollout = RolloutRecord((told,), pause_after_wave=True)

        store.commit(Changes(plans=[snapshot.plan]))

        assert store.plan(snapshot.plan.id).rollout == snapshot.plan.rollout
