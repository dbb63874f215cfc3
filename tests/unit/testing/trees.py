"""Random plans: trees of sequences and concurrences whose leaves end as drawn, the same in every world."""

from __future__ import annotations

from typing import Any, ClassVar

from hypothesis import strategies as st

from mcoflow.action import Action, Event, HostAction
from mcoflow.testing import Ground, error, ok, silence
from mcoflow.testing.hosts import restart_amid, twice

Node = tuple[str, Any]
"""A kind and what is below: (`S` or `C`, nodes), or a leaf: (`do`, how), (`host`, name), (`nap`, events)."""

HOSTS = ("bad", "echo", "gone", "good", "torn")

_leaves: st.SearchStrategy[Node] = st.one_of(
    st.tuples(st.just("do"), st.sampled_from(["well", "well", "badly", "warning"])),
    st.tuples(st.just("host"), st.sampled_from(HOSTS)),
    st.tuples(st.just("nap"), st.integers(1, 3)),
)
trees: st.SearchStrategy[Node] = st.recursive(
    _leaves,
    lambda below: st.tuples(st.sampled_from("SC"), st.lists(below, max_size=4)),
    max_leaves=8,
)


class Tree(Action):
    """Plans what is drawn; each leaf of a sequence reads of the one before."""

    name = "kit.tree"

    def plan(self, tree: list[Any]) -> None:
        self._grow(tree[0], tree[1], [0])

    def _grow(self, kind: str, what: Any, count: list[int]) -> None:
        if kind in ("S", "C"):
            with self.sequence() if kind == "S" else self.concurrence():
                for below, inside in what:
                    self._grow(below, inside, count)
            return
        count[0] += 1
        match kind:
            case "do":
                self.plan_action(Leaf, how=what, number=count[0])
            case "host":
                self.plan_action(Remote, host=what, number=count[0])
            case _:
                self.plan_action(Nap, events=what, number=count[0])


class Leaf(Action):
    """Ends as its input says. It may be repeated, so that no crash changes how."""

    name = "kit.tree.leaf"
    rerunnable = True

    def run(self) -> None:
        self.output["number"] = self.input["number"]
        if self.input["how"] == "warning":
            self.warn(f"{self.input['number']} is not sure")
        if self.input["how"] == "badly":
            raise RuntimeError(f"{self.input['number']} fails")

    def finalize(self) -> None:
        self.output["tidied"] = self.input["number"]


class Nap(Action):
    """Sends itself events, one after another, and ends with the last."""

    name = "kit.tree.nap"
    rerunnable = True
    accepts: ClassVar[tuple[type, ...]] = (int,)

    def run(self, event: Event | None) -> None:
        self.output["heard"] = self.output.get("heard", 0) + (event is not None)
        if self.output["heard"] < self.input["events"]:
            self.plan_event(self.output["heard"])
            self.suspend()


class Remote(HostAction):
    """Asks a host."""

    name = "kit.tree.remote"
    agent = "package"
    operation = "install"


def furnish(ground: Ground) -> None:
    """Let the hosts behave as their names say."""
    ground.hosts.answers = {
        "good": ok(by="good"),
        "bad": error(4),
        "torn": restart_amid(ok()),
        "echo": twice(ok(by="echo")),
        "mute": silence,
    }
    ground.hosts.unknown.add("gone")


def seen(stored: Any, plan_id: Any) -> dict[str, Any]:
    """All of a finished plan that must not depend on who ran it, or how often it was interrupted."""
    plan = stored.plan(plan_id)
    rows = stored.store.steps(plan_id, limit=10_000)
    return {
        "plan": (plan.state.value, plan.result.value, plan.explanation, plan.counts),
        "steps": [
            (
                row.step.id,
                row.step.action,
                row.step.state.value,
                row.step.outcome and row.step.outcome.value,
                row.step.error and (row.step.error.kind, row.step.error.message),
                row.step.warnings,
                row.output,
            )
            for row in rows
        ],
    }
