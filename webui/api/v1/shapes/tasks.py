"""Tasks, their steps, their hosts and what those print."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from mcoflow.domain.standing import Standing
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.services import Act
from mcoflow.services.fleet import FAILED
from webui.api.v1.shapes.base import Answer, Cursor, Left, Moment, Next, Paged, Query, Several, Text, When

Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Progress = Annotated[float, Field(ge=0, le=1)]


class StepCounts(Answer):
    """How many run and finalize steps stand in each state; `skipped` are those that will be, too."""

    pending: int
    running: int
    suspended: int
    success: int
    error: int
    skipped: int
    cancelled: int


class TaskLinks(Answer):
    """Where there is more of a task; `page` is for people."""

    self: str
    steps: str
    hosts: str
    output: str
    history: str
    page: str


class TaskLine(Answer):
    """A task in a list. `allowed`: what may be done to it now; `parent_id`: the task that called it."""

    id: UUID
    action: str
    title: str
    state: PlanState
    result: PlanResult
    explanation: str
    user: str
    simulated: Annotated[bool, Field(description="some of its hosts only play what they are told")]
    parent_id: UUID | None
    created_at: Moment
    started_at: Moment | None
    ended_at: Moment | None
    start_at: Annotated[Moment | None, Field(description="of a scheduled task: when it starts")]
    start_before: Annotated[Moment | None, Field(description="of a scheduled task: not from then on")]
    pause_requested: bool
    cancel_requested: bool
    version: Annotated[int, Field(description="rises with each change")]
    progress: Progress
    allowed: tuple[Act, ...]
    steps: StepCounts
    links: TaskLinks


class Task(TaskLine):
    """One task. `hosts`: how many of them stand how, in the words of outcomes; none has 0."""

    hosts: dict[Standing, int]


class TaskPage(Answer):
    """Tasks, newest first."""

    items: tuple[TaskLine, ...]
    next: Next


class Summary(Answer):
    """How many tasks there are."""

    state: dict[PlanState, int]
    result: dict[PlanResult, int]


class HistoryLine(Answer):
    """What happened to a task. `actor`: who did it; empty for an executor."""

    at: Moment
    name: str
    actor: str
    detail: str


class History(Answer):
    """What happened to a task, oldest first."""

    items: tuple[HistoryLine, ...]
    next: Next


class TasksWanted(Paged):
    """Which tasks; several values of one parameter with commas between them."""

    state: Annotated[tuple[PlanState, ...], Several] = ()
    result: Annotated[tuple[PlanResult, ...], Several] = ()
    action: Annotated[tuple[Text, ...], Several] = ()
    label: Annotated[tuple[Text, ...], Several, Field(description="the title, whole")] = ()
    host: Annotated[tuple[Text, ...], Several, Field(description="the name of one of its hosts")] = ()
    user: Annotated[tuple[Text, ...], Several, Field(description="who made it")] = ()
    started_after: Annotated[When | None, Left] = None
    started_before: Annotated[When | None, Left] = None
    parent: Annotated[UUID | None, Left, Field(description="only what this task called")] = None
    q: Annotated[Text, Field(description="words in title, user, action or hosts, or an id")] = ""


class StepLine(Answer):
    """A step in a list, without its data. `outcome`: on its host; null before, and without one."""

    id: int
    action_id: Annotated[int, Field(description="of the action whose part it is; its input is amended by it")]
    phase: Phase
    action: str
    title: str
    host: str | None
    simulated: bool
    state: StepState
    outcome: Standing | None
    outcome_text: Annotated[str, Field(description="how it stands, in the exact words that pages show")]
    attempt: int
    progress: Progress | None
    error: str
    started_at: Moment | None
    ended_at: Moment | None


class Step(StepLine):
    """One step. `needs`: the steps right before it; `run_s`: how long it worked, in seconds."""

    needs: tuple[int, ...]
    queue: str
    run_s: float
    input: dict[str, Any]
    output: dict[str, Any]


class StepPage(Answer):
    """Steps in order of their numbers."""

    items: tuple[StepLine, ...]
    next: Next


class WantedSteps(Paged):
    """Which steps; several values of one parameter with commas between them."""

    state: Annotated[tuple[StepState, ...], Several] = ()
    host: Annotated[tuple[Text, ...], Several] = ()
    phase: Annotated[tuple[Phase, ...], Several] = ()


class HostOfTask(Answer):
    """How a host stands in a task, by the step that decides it."""

    host: str
    simulated: bool
    outcome: Standing
    outcome_text: str
    error: str
    step: int
    started_at: Moment | None
    ended_at: Moment | None


class HostsOfTask(Answer):
    """Hosts of a task in order of name."""

    items: tuple[HostOfTask, ...]
    next: Next


class HostsWanted(Paged):
    """Which hosts of a task."""

    outcome: Annotated[
        Text,
        Field(
            description=f"one outcome; `{FAILED}`: all that failed",
            json_schema_extra={"enum": ["", FAILED, *map(str, Standing)]},
        ),
    ] = ""


class OutputItem(Answer):
    """A piece of what was printed. Before it `lost` chunks never came, and `left_out` bytes are missing."""

    seq: int
    host: str | None
    simulated: bool
    step: int | None
    stream: str
    at: Annotated[Moment, Field(description="by the clock of the host")]
    text: str
    lost: int
    left_out: int


class OutputPage(Answer):
    """Output in order. `complete`: all was read, and nothing will follow.

    `printed` bytes there were, `kept` of them can be read; `notes` say why not all.
    """

    items: tuple[OutputItem, ...]
    next: Annotated[str, Field(description="the `after` to read on with, also later")]
    complete: bool
    kept: int
    printed: int
    notes: tuple[str, ...]


class OutputWanted(Query):
    """Which output."""

    host: Annotated[Text | None, Left] = None
    step: Annotated[Number | None, Left] = None
    stream: Annotated[tuple[Text, ...], Several, Field(description="stdout, stderr, log")] = ()
    after: Cursor = ""
    limit: Annotated[int, Field(ge=1, le=1000, description="pieces at the most; 1 MiB at the most")] = 1000
