"""HostAction: one request to one host, without a worker thread."""

from collections.abc import Mapping
from typing import Any, ClassVar

from mcoflow.action.base import Cancellable
from mcoflow.domain.events import HostRequest, Reply
from mcoflow.errors import HostError


class HostAction(Cancellable):
    """Ask the agent of one host to do one operation, and sleep until it has replied.

    The two methods are pure functions of `input` and the reply; the director calls them itself. They must not
    wait for anything: a class that took longer than a second is called by workers from then on, and one that
    does not come back holds all plans up until, seconds later, another director has taken over. The default
    request takes `agent` and `operation` from the class, `host` and `check` from the input, and all other
    input as arguments.
    """

    agent: ClassVar[str] = ""
    operation: ClassVar[str] = ""

    def request_for_host(self) -> HostRequest | None:
        """Return the request; None if there is nothing to do: then the step succeeds at once."""
        args = {key: value for key, value in self.input.items() if key not in ("host", "check")}
        check = bool(self.input.get("check", False))
        return self.request(self.agent, self.operation, args, check=check)

    def result(self, reply: Reply) -> None:
        """Take the reply: ok becomes the output; anything else is a HostError with the exact outcome word."""
        self.output.update(reply.data)
        if not reply.ok:
            raise HostError(reply.error)

    @classmethod
    def asks_for(cls, given: Mapping[str, Any]) -> str:
        """Return the operation that is asked for with this input, as hosts declare it; empty if unknown.

        Where hosts do not offer it, people are told before anything runs. An action that chooses its
        operation by its input overrides this.
        """
        del given
        return f"{cls.agent}.{cls.operation}" if cls.agent and cls.operation else ""

    @classmethod
    def has(cls, phase: str) -> bool:
        """A host action always has a run step."""
        return phase == "run" or super().has(phase)

    @classmethod
    def takes_events(cls, phase: str = "run") -> bool:
        """It sleeps until the reply."""
        return phase == "run" or super().takes_events(phase)

    def on_cancel(self) -> None:
        """Do nothing: the engine itself tells the agent to stop."""
