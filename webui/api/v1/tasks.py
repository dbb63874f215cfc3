"""Looking at tasks: `/api/v1/tasks` and what lies below."""

from typing import Final
from uuid import UUID

from werkzeug.exceptions import NotFound

from mcoflow.errors import PlanNotFoundError
from mcoflow.services import Listing, StepsWanted
from webui.api.v1.problems import InvalidError, fault
from webui.api.v1.shapes.base import Paged
from webui.api.v1.shapes.tasks import (
    History,
    HistoryLine,
    HostsOfTask,
    HostsWanted,
    OutputPage,
    OutputWanted,
    Step,
    StepPage,
    Summary,
    Task,
    TaskPage,
    TasksWanted,
    WantedSteps,
)
from webui.api.v1.surface import blueprint, route
from webui.api.v1.told import host_of, output_of, step_line, step_of, task_line, task_of
from webui.current import services

bp = blueprint("tasks")

_MOST: Final = 2**31 - 1
"""Above the number of any step."""


@route(bp, "GET", "/tasks")
def list_tasks(query: TasksWanted) -> TaskPage:
    """A page of tasks, newest first."""
    chosen = {"state": query.state, "result": query.result, "action": query.action, "label": query.label}
    found = services().plans.list(
        text=query.q,
        cursor=query.cursor,
        limit=query.limit,
        of=query.parent,
        where={name: list(values) for name, values in chosen.items() if values},
        narrowed=Listing(
            hosts=tuple(host.lower() for host in query.host),
            users=query.user,
            started_after=query.started_after.timestamp() if query.started_after else None,
            started_before=query.started_before.timestamp() if query.started_before else None,
        ),
    )
    return TaskPage(items=tuple(map(task_line, found.items)), next=found.next)


@route(bp, "GET", "/tasks/summary")
def count_tasks() -> Summary:
    """How many tasks stand in each state, and have each result."""
    states, results = services().plans.numbers()
    return Summary(state=dict(states), result=dict(results))


@route(bp, "GET", "/tasks/<uuid:task_id>")
def show_task(task_id: UUID) -> Task:
    """One task; what it costs does not grow with its hosts and steps."""
    return task_of(services().plans.show(task_id))


@route(bp, "GET", "/tasks/<uuid:task_id>/steps")
def steps_of_task(task_id: UUID, query: WantedSteps) -> StepPage:
    """A page of the steps of a task."""
    after = _number(query.cursor)
    plan = services().plans.show(task_id)
    wanted = StepsWanted(query.state, query.host, query.phase)
    found, more = services().fleet.steps(task_id, wanted, after=after, limit=query.limit)
    played = services().hosts.simulated_of(plan, {step.host for step in found if step.host})
    items = tuple(step_line(step, played) for step in found)
    return StepPage(items=items, next=str(items[-1].id) if more else "")


@route(bp, "GET", "/tasks/<uuid:task_id>/steps/<int:step_id>")
def step_of_task(task_id: UUID, step_id: int) -> Step:
    """One step with its input and output."""
    if step_id > _MOST:
        raise NotFound(f"task {task_id} has no step {step_id}")
    try:
        return step_of(services().plans.step(task_id, step_id))
    except PlanNotFoundError:
        services().plans.show(task_id)
        raise NotFound(f"task {task_id} has no step {step_id}") from None


@route(bp, "GET", "/tasks/<uuid:task_id>/history")
def history_of_task(task_id: UUID, query: Paged) -> History:
    """A page of what happened to a task, oldest first."""
    after = _number(query.cursor)
    services().plans.show(task_id)
    lines = services().plans.history(task_id)
    end = after + query.limit
    items = [
        HistoryLine(at=line.at, name=line.name, actor=line.actor, detail=line.detail)
        for line in lines[after:end]
    ]
    return History(items=tuple(items), next=str(end) if end < len(lines) else "")


@route(bp, "GET", "/tasks/<uuid:task_id>/hosts")
def hosts_of_task(task_id: UUID, query: HostsWanted) -> HostsOfTask:
    """A page of the hosts of a task, or of those with one outcome."""
    plan = services().plans.show(task_id)
    found = services().fleet.hosts(task_id, outcome=query.outcome, after=query.cursor, limit=query.limit)
    played = services().hosts.simulated_of(plan, [host.name for host in found.items])
    return HostsOfTask(items=tuple(host_of(host, played) for host in found.items), next=found.next)


@route(bp, "GET", "/tasks/<uuid:task_id>/output")
def output_of_task(task_id: UUID, query: OutputWanted) -> OutputPage:
    """What a task, one of its hosts or one of its steps printed, from a cursor on; the same at any time."""
    page = services().output.read(
        task_id,
        host=query.host,
        step_id=query.step,
        after=query.after,
        streams=query.stream,
        limit=query.limit,
    )
    hosts = {item.host for item in page.items if item.host}
    return output_of(page, services().hosts.simulated(hosts))


def _number(cursor: str) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= 10 and int(cursor) <= _MOST):
        raise InvalidError([fault("/cursor", "query", "is no cursor: take the `next` of a page")])
    return int(cursor)
