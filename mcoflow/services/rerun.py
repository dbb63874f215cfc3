"""Running a task once more, on all of its hosts or some of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from mcoflow.action.registry import REGISTERED, Registry
from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanState
from mcoflow.errors import CommandRefusedError, InputInvalidError
from mcoflow.ports.engine import Engine, Submitted
from mcoflow.ports.fleet import FleetReader, Verdict
from mcoflow.ports.store import Reader
from mcoflow.services.present import arguments_of

_WAYS_TO_SAY_WHERE: Final = ("target", "limit", "one", "seed")


class Rerun:
    """The use cases of running again what has ended."""

    def __init__(
        self, engine: Engine, reader: Reader, fleet: FleetReader, actions: Registry = REGISTERED
    ) -> None:
        self._engine, self._reader, self._fleet, self._actions = engine, reader, fleet, actions

    def hosts(self, plan_id: UUID, verdicts: Collection[Verdict] = ()) -> Sequence[str]:
        """Return the hosts of a task that stand so, by name; all of them if no verdict is named."""
        return [
            host
            for host, verdict in self._fleet.verdicts(plan_id).items()
            if verdict in (verdicts or Verdict)
        ]

    def again(self, plan_id: UUID, *, verdicts: Collection[Verdict] = (), user: str) -> Submitted:
        """Make a task as this one was, on those of its hosts that stand so.

        Raises:
            PlanNotFoundError, UnknownActionError: it is not there, or its action is not.
            CommandRefusedError: it has not ended.
            InputInvalidError: its action takes no hosts, or none of its hosts stands so; nothing was made.
        """
        plan = self._reader.plan(plan_id)
        if plan.state is not PlanState.STOPPED:
            allowed = [
                kind.value for kind in self._engine.allowed(plan.state, "") if kind != CommandKind.EVENT
            ]
            raise CommandRefusedError.by_state("a re-run", plan_id, plan.state, allowed)
        arguments = dict(arguments_of(plan.args))
        if not verdicts and not ("target" in arguments and plan.hosts):  # whom a target meant stays frozen
            return self._engine.submit(plan.action, arguments, user=user)
        model = self._actions.find(plan.action).Input
        if model is None or "hosts" not in model.model_fields:
            raise InputInvalidError(f"{plan.action} takes no hosts: run it again as a whole")
        hosts = self.hosts(plan_id, verdicts)
        if not hosts:
            *most, last = sorted(verdicts)
            words = f"{', '.join(most)} or {last}" if most else last
            raise InputInvalidError(f"no host of task {plan_id} is {words}: there is nothing to run again")
        kept = {key: value for key, value in arguments.items() if key not in _WAYS_TO_SAY_WHERE}
        return self._engine.submit(plan.action, {**kept, "hosts": hosts}, user=user)
