"""The agent `host`: what the daemon answers by itself, at once."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import Field

from mcoflow.agent.operations import Agent, Context, Strict
from mcoflow.errors import OperationFailedError

MAX_REQUESTS: Final = 100
MAX_OPERATIONS: Final = 500
Shown = Annotated[str, Field(max_length=256)]
Short = Annotated[str, Field(max_length=64)]


class Nothing(Strict):
    """No arguments."""


class Pong(Strict):
    """The host answers."""

    pong: bool


class Which(Strict):
    """Which facts: all, or those below one path such as `os` or `os.version`."""

    path: Annotated[str, Field(max_length=256, pattern=r"^[^\x00]+$", examples=["os.version"])] | None = None


class FactsTold(Strict):
    """Facts by name; one that was asked for by its path has that as its name."""

    facts: dict[str, Any]


class Offered(Strict):
    """One operation that the host can be asked for."""

    operation: Short
    summary: Shown
    changes: bool
    check: bool


class Agents(Strict):
    """What the host can be asked for, and which agents could not be loaded."""

    operations: Annotated[list[Offered], Field(max_length=MAX_OPERATIONS)]
    broken: Annotated[list[Shown], Field(max_length=64)]


class Inventory(Strict):
    """The host in a few words."""

    version: Short
    system: Shown
    kernel: Shown
    cpus: int | None
    memory: int | None
    init: Short
    agents: Annotated[list[Short], Field(max_length=64)]
    facts: Annotated[list[Shown], Field(max_length=256, description="Names of the groups of facts")]


class Newest(Strict):
    """How many requests."""

    limit: Annotated[int, Field(ge=1, le=MAX_REQUESTS)] = 20


class Request(Strict):
    """One request, as the journal of the host has it."""

    id: Short
    state: Short
    operation: Short | None
    caller: Annotated[str, Field(max_length=128)] | None
    outcome: Short | None
    received_at: Short
    ended_at: Short | None


class Requests(Strict):
    """The newest requests first."""

    requests: Annotated[list[Request], Field(max_length=MAX_REQUESTS)]


agent: Final = Agent("host")
_TIMEOUT: Final = timedelta(seconds=10)


@agent.operation(
    summary="Answer, to show that the host is there",
    timeout=_TIMEOUT,
    idempotent=True,
    changes=False,
    here=True,
)
def ping(_given: Nothing) -> Pong:
    """Answer."""
    return Pong(pong=True)


@agent.operation(
    summary="Tell the facts of the host", timeout=_TIMEOUT, idempotent=True, changes=False, here=True
)
def facts(given: Which, context: Context) -> FactsTold:
    """Read the facts now."""
    found = context.facts()
    return FactsTold(facts=found if given.path is None else {given.path: _at(found, given.path)})


@agent.operation(
    summary="Tell what the host can be asked for", timeout=_TIMEOUT, idempotent=True, changes=False, here=True
)
def agents(_given: Nothing, context: Context) -> Agents:
    """List the operations of the agents that are loaded."""
    offered = [
        Offered(operation=each.key, summary=each.summary[:256], changes=each.changes, check=each.check)
        for each in context.operations()
    ]
    broken = _group(context.facts(), "mcoflow").get("broken_agents", [])
    return Agents(operations=offered[:MAX_OPERATIONS], broken=[str(each)[:256] for each in broken[:64]])


@agent.operation(
    summary="Tell the host in a few words", timeout=_TIMEOUT, idempotent=True, changes=False, here=True
)
def inventory(_given: Nothing, context: Context) -> Inventory:
    """Pick from the facts what people ask for first."""
    known = context.facts()
    system, own = _group(known, "os"), _group(known, "mcoflow")
    return Inventory(
        version=str(own.get("version", ""))[:64],
        system=f"{system.get('name', '')} {system.get('version', '')}".strip()[:256],
        kernel=str(system.get("kernel", ""))[:256],
        cpus=_group(known, "cpu").get("count"),
        memory=_group(known, "memory").get("total"),
        init=str(own.get("init", ""))[:64],
        agents=sorted({each.agent for each in context.operations()})[:64],
        facts=sorted(name[:256] for name in known)[:256],
    )


@agent.operation(
    summary="Tell the newest requests of the host",
    timeout=_TIMEOUT,
    idempotent=True,
    changes=False,
    here=True,
)
def requests(given: Newest, context: Context) -> Requests:
    """Read them from the journal; this one is among them."""
    return Requests(requests=[Request.model_validate(each) for each in context.requests(given.limit)])


def _group(found: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    group = found.get(name)
    return group if isinstance(group, Mapping) else {}


def _at(found: Any, path: str) -> Any:
    """Follow the path; a name may itself hold a dot, as a mount point does."""
    if not path:
        return found
    if isinstance(found, Mapping):
        for name in sorted(found, key=len, reverse=True):
            if path == name or path.startswith(f"{name}."):
                return _at(found[name], path[len(name) + 1 :])
    raise OperationFailedError("not_found", f"this host has no fact {path}: `host.facts` tells all")
