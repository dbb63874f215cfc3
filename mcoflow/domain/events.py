"""What wakes a step, and what a step asks of a host."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import JsonObject


@dataclass(frozen=True, slots=True)
class Reply:
    """The end of a request. `ok`: the outcome is ok; `error`: the outcome in words, with the reason."""

    request_id: UUID
    host: str
    ok: bool
    outcome: Outcome
    data: JsonObject = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing came within the patience of a suspend; `waited` is that patience in seconds."""

    waited: float


@dataclass(frozen=True, slots=True)
class UserEvent:
    """A JSON value that a person, another step or the step itself sent."""

    value: Any


Event: TypeAlias = Reply | Silence | UserEvent
"""Closed: what `run` receives; None is the first call."""


class Cancel:
    """Closed signal: the plan was cancelled; `on_cancel` is called instead of `run`."""


class Abort(Cancel):
    """Closed signal: the plan was aborted, which waits for no host; `on_abort` is called instead."""


@dataclass(frozen=True, slots=True)
class Timeout:
    """Closed signal: a time limit has passed; `on_timeout` is called. `after`: so many seconds."""

    after: float


class Poll:
    """Closed signal: it is time for the next poll; `on_poll` is called."""


@dataclass(frozen=True, slots=True)
class SubPlanFinished:
    """Closed signal: sub-plans have come to rest, or the next may be created.

    at: the time, Unix. attempt: of the step. counts: sub-plans by where they stand; None: as before.
    """

    at: float
    attempt: int
    counts: Mapping[str, int] | None = None


class Skip:
    """Closed signal: the failed step is to be skipped; `on_skip` is called."""


Signal: TypeAlias = SubPlanFinished | Cancel | Timeout | Poll | Skip
"""Closed: for these the engine calls a method of their own instead of `run`."""


class Forever:
    """The patience of a step that waits for a person."""

    def __repr__(self) -> str:
        return "FOREVER"


FOREVER: Final = Forever()


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a request may take. None: the server's default, or the operation's own.

    pickup: until the agent has it in its journal. run: of the execution. grace: between TERM and KILL.
    """

    pickup: timedelta | None = None
    run: timedelta | None = None
    grace: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class HostRequest:
    """One operation that an agent is asked to perform on its host."""

    host: str
    agent: str
    operation: str
    args: JsonObject
    check: bool = False
    deadlines: Deadlines = field(default_factory=Deadlines)
