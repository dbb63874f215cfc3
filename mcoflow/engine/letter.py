"""What the director hears of: the closed set of letters in its mailbox."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from uuid import UUID

from mcoflow.domain.records import PlanDraft
from mcoflow.domain.requests import CommandAnswer, CommandRecord
from mcoflow.engine.batch import Batch
from mcoflow.engine.finalizing import PhaseDone
from mcoflow.engine.hooks import HookDone
from mcoflow.engine.post import Receipted
from mcoflow.engine.replies import Message
from mcoflow.engine.rescue import RescueAsked
from mcoflow.engine.work import JobDone
from mcoflow.ports.bus import LinkReport
from mcoflow.wire.envelope import Envelope
from mcoflow.wire.messages import AcceptedBody, OutputBody


@dataclass(frozen=True, slots=True)
class PlanMade:
    """A plan from a planner in this process; `stored` is resolved after the commit.

    `scheduled`: it was stored before, and claimed by this executor to plan it.
    """

    draft: PlanDraft
    stored: Future[UUID]
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    """There is something in the database for us."""


@dataclass(frozen=True, slots=True)
class RepliesRead:
    """What was in the reply queues at this time has been read: deadlines until then may be enforced."""

    at: float


@dataclass(frozen=True, slots=True)
class HostDeclared:
    """The queues of a host that had lost them exist again: send the request once more."""

    request_id: UUID


@dataclass(frozen=True, slots=True)
class LetGo:
    """A plan was halted or deleted: it is ours no more."""

    plan_id: UUID


@dataclass(frozen=True, slots=True)
class Told:
    """A command from this process; answered after the commit.

    The answer is None if the plan is not, or no longer, in our hands: then it has to be given by way of the
    database.
    """

    command: CommandRecord
    answered: Future[CommandAnswer | None]


OnCommit = Callable[[Batch], None]
"""Hears of a batch that was committed, in the director's thread."""

Letter = (
    PlanMade
    | Told
    | Ring
    | LetGo
    | RepliesRead
    | HostDeclared
    | Message
    | Receipted
    | JobDone
    | PhaseDone
    | RescueAsked
    | HookDone
    | LinkReport
)


def can_wait(letter: Letter) -> bool:
    """Whether nothing follows from a letter but a mark in the database."""
    match letter:
        case Receipted(receipt="confirmed"):
            return True
        case HookDone():
            return True
        case Message(envelope=Envelope(body=AcceptedBody() | OutputBody())):
            return True
        case _:
            return False
