"""The agent `host`: what the daemon answers by itself, at once."""

from datetime import timedelta
from typing import Any, Final

from mcoflow.agent.operations import Agent, Context, Strict


class Nothing(Strict):
    """No arguments."""


class Pong(Strict):
    """The host answers."""

    pong: bool


class FactsTold(Strict):
    """All facts, by name."""

    facts: dict[str, Any]


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
def facts(_given: Nothing, context: Context) -> FactsTold:
    """Read the facts now."""
    return FactsTold(facts=context.facts())
