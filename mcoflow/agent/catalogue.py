"""Which operations this agent offers: those of the agents in `[agent] agents`, built in or plugged in."""

from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from mcoflow.agent.execution import Operation, RefusedError
from mcoflow.agent.operations import Agent, Declared
from mcoflow.agent.policy import Policy
from mcoflow.agent.policy_file import PolicyFile
from mcoflow.errors import ConfigurationError
from mcoflow.wire.codec import JsonObject
from mcoflow.wire.kinds import Refusal

GROUP: Final = "mcoflow.agents"
BUILT_IN: Final = ("command", "file", "host", "package", "process", "service")


def load_agent(name: str) -> Agent:
    """Return the agent of this name; raise ConfigurationError saying why it cannot be had."""
    found = _built_in(name) if name in BUILT_IN else _plugged_in(name)
    if not isinstance(found, Agent) or found.name != name:
        raise ConfigurationError(f"agent {name}: its entry point names {found!r}, no Agent of this name")
    return found


def _built_in(name: str) -> object:
    return import_module(f"mcoflow.agent.agents.{name}").agent


def _plugged_in(name: str) -> object:
    points = tuple(entry_points(group=GROUP, name=name))
    if not points:
        raise ConfigurationError(f"agent {name}: no installed package offers it as entry point of {GROUP}")
    try:
        return points[0].load()
    except (Exception, SystemExit) as error:  # a plug-in's module may do anything; the daemon goes on
        raise ConfigurationError(f"agent {name}: {type(error).__name__}: {error}") from error


class LoadedCatalogue:
    """The operations of the agents that could be loaded, and why the others could not.

    Without a policy only operations that need none are allowed.
    """

    def __init__(self, agents: Iterable[str], policy: PolicyFile | None = None) -> None:
        self._policy = policy
        self._agents: dict[str, Agent] = {}
        self._broken: list[str] = []
        for name in agents:
            try:
                self._agents[name] = load_agent(name)
            except ConfigurationError as error:
                self._broken.append(str(error))

    def find(self, agent: str, operation: str) -> Operation:
        """Return the declaration; raise RefusedError with unknown_agent or unknown_operation."""
        return self.declared(agent, operation).operation

    def declared(self, agent: str, operation: str) -> Declared:
        """Return the declaration with its function; raise RefusedError as `find` does."""
        if agent not in self._agents:
            raise RefusedError(
                Refusal.UNKNOWN_AGENT, f"this host runs no agent {agent}: {_known(self._agents)}"
            )
        offered = self._agents[agent].declared
        if operation not in offered:
            raise RefusedError(
                Refusal.UNKNOWN_OPERATION, f"agent {agent} has no operation {operation}: {_known(offered)}"
            )
        return offered[operation]

    def operations(self) -> Sequence[Operation]:
        """Return all declarations, by key."""
        found = (one.operation for agent in self._agents.values() for one in agent.declared.values())
        return sorted(found, key=lambda operation: operation.key)

    def broken(self) -> Sequence[str]:
        """Return one line for each plug-in that was named and could not be loaded."""
        return tuple(self._broken)

    @property
    def policy(self) -> Policy:
        """What the host's owner allows now."""
        return Policy() if self._policy is None else self._policy.current

    def permit(self, operation: Operation, args: JsonObject) -> None:
        """Raise RefusedError not_allowed unless the policy allows the operation with these arguments."""
        operation.permit(args, self.policy)

    def reload(self) -> None:
        """Read the policy again."""
        if self._policy is not None:
            self._policy.reload()


def _known(names: Iterable[str]) -> str:
    return f"it has {', '.join(sorted(names)) or 'none'}"
