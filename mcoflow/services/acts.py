"""What people may do to a task as it stands, in the words of the API."""

from enum import StrEnum

from mcoflow.domain.requests import CommandKind
from mcoflow.domain.states import PlanResult, PlanState
from mcoflow.services.views import PlanView


class Act(StrEnum):
    """One thing that may be done to a task. The values stand in URLs and answers: add, never rename."""

    CANCEL = "cancel"
    ABORT = "abort"
    HALT = "halt"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY = "retry"
    SKIP = "skip"
    AMEND = "amend"
    RERUN = "rerun"


def acts_of(plan: PlanView) -> tuple[Act, ...]:
    """Return what the state of a task allows; a step, or one of its hosts, may still stand against it."""
    kinds = set(plan.allowed)
    rests = CommandKind.RESUME in kinds
    holds = (
        (Act.CANCEL, CommandKind.CANCEL in kinds),
        (Act.ABORT, CommandKind.CANCEL in kinds),  # of a task at rest the same
        (Act.HALT, CommandKind.HALT in kinds),
        (Act.PAUSE, CommandKind.PAUSE in kinds),
        (Act.RESUME, rests),
        (Act.RETRY, rests),
        (Act.SKIP, CommandKind.SKIP in kinds and plan.result is PlanResult.ERROR),
        (Act.AMEND, rests),
        (Act.RERUN, plan.state is PlanState.STOPPED),
    )
    return tuple(act for act, allowed in holds if allowed)
