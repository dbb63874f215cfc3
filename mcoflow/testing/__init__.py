"""What authors of actions, stores and connectors test theirs with."""

from mcoflow.testing.assertions import (
    assert_finalize_planned,
    assert_no_run_planned,
    assert_not_planned,
    assert_planned,
    assert_run_planned,
    assert_state,
    assert_waits_for,
)
from mcoflow.testing.broker import MemoryBroker, MemoryConnector
from mcoflow.testing.clock import ManagedClock, Timer, TimersNeverEndError
from mcoflow.testing.factories import (
    PlannedAction,
    RunAction,
    finalize_action,
    plan_action,
    replied,
    revert_action,
    run_action,
)
from mcoflow.testing.ground import Ground, NeverRestsError
from mcoflow.testing.hosts import (
    FakeHosts,
    Later,
    error,
    late,
    ok,
    only,
    out_of_order,
    restart_amid,
    silence,
    twice,
)
from mcoflow.testing.operations import perform
from mcoflow.testing.presenting import present_action
from mcoflow.testing.stubs import stub_output
from mcoflow.testing.world import Crash, NotReachedError, OneThreadWorld

__all__ = [
    "Crash",
    "FakeHosts",
    "Ground",
    "Later",
    "ManagedClock",
    "MemoryBroker",
    "MemoryConnector",
    "NeverRestsError",
    "NotReachedError",
    "OneThreadWorld",
    "PlannedAction",
    "RunAction",
    "Timer",
    "TimersNeverEndError",
    "assert_finalize_planned",
    "assert_no_run_planned",
    "assert_not_planned",
    "assert_planned",
    "assert_run_planned",
    "assert_state",
    "assert_waits_for",
    "error",
    "finalize_action",
    "late",
    "ok",
    "only",
    "out_of_order",
    "perform",
    "plan_action",
    "present_action",
    "replied",
    "restart_amid",
    "revert_action",
    "run_action",
    "silence",
    "stub_output",
    "twice",
]
