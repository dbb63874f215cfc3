"""The part of the store that tells how the hosts of a plan stand."""

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import case, func, select

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.states import Phase, StepState
from mcoflow.ports.fleet import Verdict
from mcoflow.storage.database import Database
from mcoflow.storage.tables import steps

_FROM_BEST_TO_WORST: Final = tuple(Verdict)
_STATES: Final[Mapping[StepState, Verdict]] = {
    StepState.SUCCESS: Verdict.SUCCEEDED,
    StepState.SKIPPED: Verdict.SKIPPED,
    StepState.CANCELLED: Verdict.CANCELLED,
    StepState.ERROR: Verdict.FAILED,
    StepState.SKIPPING: Verdict.FAILED,
}
_NO_FAILURE: Final = (Outcome.OK.value, Outcome.CANCELLED.value, Outcome.CANCELLED_KILLED.value)
_RANKS: Final = {state: _FROM_BEST_TO_WORST.index(verdict) for state, verdict in _STATES.items()}
_RANK: Final = case(
    (
        (steps.c.state == StepState.CANCELLED.value) & steps.c.outcome.not_in(_NO_FAILURE),
        _FROM_BEST_TO_WORST.index(Verdict.FAILED),  # given up when it had failed
    ),
    *(
        (steps.c.state == state.value, _FROM_BEST_TO_WORST.index(verdict))
        for state, verdict in _STATES.items()
    ),
    else_=_FROM_BEST_TO_WORST.index(Verdict.OPEN),
)


class SqlFleet:
    """The promises are those of `mcoflow.ports.fleet`."""

    _database: Database

    def verdicts(self, plan_id: UUID) -> Mapping[str, Verdict]:
        """How it stands with each host of a plan, in order of name; empty for a plan that is not there."""
        of_hosts = (
            select(steps.c.host, func.max(_RANK))
            .where(steps.c.plan_id == plan_id, steps.c.host.is_not(None), steps.c.phase == Phase.RUN.value)
            .group_by(steps.c.host)
            .order_by(steps.c.host)
        )
        with self._database.reading() as connection:
            found = connection.execute(of_hosts).all()
        return {host: _FROM_BEST_TO_WORST[rank] for host, rank in found}
