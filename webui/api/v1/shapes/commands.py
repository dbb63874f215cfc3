"""What is said to tasks, and what they answer."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, RootModel

from mcoflow.domain.states import PlanState
from mcoflow.services import Cover
from webui.api.v1.shapes.base import Answer, Sent


class Cancel(Sent):
    """How to cancel."""

    force: Annotated[bool, Field(description="hosts kill what must not be interrupted, too")] = False


class CanceledSteps(Answer):
    """The steps that were told to stop."""

    canceled_steps: tuple[int, ...]


class Pause(Sent):
    """How to pause."""

    after_wave: Annotated[bool, Field(description="when the hosts of this wave have had a turn")] = False


class Noted(Answer):
    """How the task stands now that the command is committed; it may not be applied yet."""

    state: PlanState
    pause_requested: bool


class RerunHosts(StrEnum):
    """On which hosts of a task."""

    ALL = "all"
    FAILED = "failed"
    SUCCEEDED = "succeeded"


class Rerun(Sent):
    """Where to run again."""

    hosts: Annotated[RerunHosts, Field(strict=False)] = RerunHosts.ALL


class Skip(Sent):
    """What to skip."""

    cover: Annotated[
        Cover,
        Field(
            strict=False,
            description="along with the step: all that only came later in its sequence (followers), or only "
            "what reads its output (references)",
        ),
    ] = Cover.FOLLOWERS
    dry_run: Annotated[bool, Field(description="only tell what would be skipped")] = False


class AmendedInput(RootModel[dict[str, Any]]):
    """The input of an action, as its schema has it."""


class Skipped(Answer):
    """The steps that are skipped when the task is resumed, or would be."""

    skipped: tuple[int, ...]
