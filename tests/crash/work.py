"""Work for executors that die: what is submitted, and how it has to end."""

import signal
from uuid import uuid4

from tests.crash.supervisor import WITHIN, Server, Supervisor

KILLED = -signal.SIGKILL
WORK = (
    ("effect", {"host": "web1"}),
    ("effect", {"host": "nobody"}),
    ("nap", {}),
    ("local_again", {}),
    ("chain", {"host": "web1"}),
)


def new_gate() -> str:
    """Return the name of a gate that is closed."""
    return f"gate-{uuid4().hex[:8]}"


def submit(site: Supervisor, server: Server, work=WORK):
    """Submit until the executor dies; return the plans whose ids were given out, and what is left."""
    given = []
    for number, (action, fields) in enumerate(work):
        plan_id = server.submit(action, **fields)
        if plan_id is None:
            return given, work[number:]
        site.give(plan_id)
        given.append((action, fields, plan_id))
    return given, ()


def ends_right(site: Supervisor, given, within: float = WITHIN) -> None:
    """Check each plan's end, and that its operations ran once."""
    for action, fields, plan_id in given:
        plan = site.await_rest(plan_id, within)
        if fields.get("host") == "nobody":
            assert (plan.state, plan.result, site.events(plan_id)) == ("stopped", "error", [])
            assert "no agent for nobody" in plan.explanation
            continue
        assert (plan.state, plan.result) == ("stopped", "success"), plan.explanation
        performed = [line for line in site.trace(plan_id) if "request" in line]
        times = {"effect": 1, "chain": 3}.get(action, 0)
        assert [line["event"] for line in performed].count("begin") == times
        assert len({line["request"] for line in performed}) == times


def finish(site: Supervisor, given, left=()) -> None:
    """Start a sound executor, submit what was not taken, and see all of it end right."""
    server = site.start_server()
    more, none_left = submit(site, server, left)
    assert not none_left
    ends_right(site, [*given, *more])
    site.check()
    server.end()
