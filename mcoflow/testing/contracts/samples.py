"""Plans, requests and worlds to fill a store with."""

import itertools
from collections.abc import Iterable
from dataclasses import replace
from threading import Event
from time import monotonic
from typing import Protocol
from uuid import UUID, uuid4

from mcoflow.domain.graph import Graph
from mcoflow.domain.records import (
    ActionRecord,
    HistoryRecord,
    PlanDraft,
    PlanRecord,
    PlanSnapshot,
    StepRecord,
)
from mcoflow.domain.requests import RequestRecord, Wait, WorldRecord
from mcoflow.domain.states import Phase, PlanState, StepState
from mcoflow.ports.store import Changes, Reader, StepChange, Store

_moments = itertools.count(1_700_000_000)


class WholeStore(Reader, Store, Protocol):
    """Both sides of a store, as one object."""


def draft(
    hosts: int = 1,
    *,
    plan_id: UUID | None = None,
    state: PlanState = PlanState.PLANNED,
    created_at: float | None = None,
    args: str = '["nginx"]',
    owner: UUID | None = None,
    label: str = "Install nginx",
) -> PlanDraft:
    """Return a plan of one action on each host: plan steps 1, 3, 5 …, run steps 2, 4, 6 …"""
    names = [f"web{number}" for number in range(1, hosts + 1)]
    plan = PlanRecord(
        id=plan_id or uuid4(),
        label=label,
        action="InstallPackage",
        state=state,
        created_at=float(next(_moments)) if created_at is None else created_at,
        user="anna",
        counts={StepState.PENDING: hosts},
        hosts=tuple(names),
        args=args,
        owner=owner,
    )
    actions = [
        ActionRecord(number, "InstallPackage", None, 2 * number - 1, 2 * number, None, f'{{"host":"{name}"}}')
        for number, name in enumerate(names, 1)
    ]
    run_steps = [2 * action.id for action in actions]
    graph = Graph({run_step: () if run_step == 2 else (2,) for run_step in run_steps}, frozenset())
    history = [HistoryRecord(plan.id, plan.created_at, "delay", actor="anna", detail="planned")]
    return PlanDraft(plan, actions, [step for each in actions for step in _steps(each)], graph, history)


def _steps(action: ActionRecord) -> Iterable[StepRecord]:
    yield StepRecord(2 * action.id - 1, action.id, Phase.PLAN, action.name, StepState.SUCCESS)
    yield StepRecord(2 * action.id, action.id, Phase.RUN, action.name, host=f"web{action.id}")


def request(plan_id: UUID, step_id: int = 2, *, body: bytes = b'{"v":1,\x00\xff}') -> RequestRecord:
    """Return a request of a step, as it is before it is published."""
    return RequestRecord(
        id=uuid4(),
        plan_id=plan_id,
        step_id=step_id,
        attempt=1,
        host="web1",
        reply_to="mco.reply.x-abcdefghijkl",
        body=body,
        created_at=1_700_000_000.125,
        wait=Wait.PICKUP,
        due_at=1_700_000_060.0,
        run_limit=600.0,
        grace=30.0,
    )


def world() -> WorldRecord:
    """Return an executor that is not registered yet."""
    return WorldRecord(uuid4(), "executor", "x-abcdefghijkl", {"hostname": "here", "pid": 7})


def living_world(store: WholeStore, *, lease: float = 60.0) -> UUID:
    """Register an executor and return its id."""
    new = world()
    store.register_world(new, lease=lease)
    return new.id


def stored(store: WholeStore, *drafts: PlanDraft) -> list[UUID]:
    """Store plans and return their ids."""
    store.commit(Changes(new_plans=list(drafts)))
    return [each.plan.id for each in drafts]


def owned(store: WholeStore, owner: UUID, hosts: int = 1) -> PlanSnapshot:
    """Store a plan and let a world claim it."""
    (snapshot,) = store.claim(owner, stored(store, draft(hosts)))
    return snapshot


def moved(snapshot: PlanSnapshot, step_id: int, to: StepState) -> StepChange:
    """Return the change of a step of a snapshot to another state."""
    (step,) = (each for each in snapshot.steps if each.id == step_id)
    return StepChange(snapshot.plan.id, step.state, replace(step, state=to))


def let_die(store: WholeStore, world_id: UUID) -> None:
    """Let the lease of a world run out, and return when it has."""
    assert store.heartbeat(world_id, lease=0.01)
    end, pause = monotonic() + 60, Event()
    while any(each.alive for each in store.worlds() if each.id == world_id):
        assert monotonic() < end, "the lease never ran out"
        pause.wait(0.01)
