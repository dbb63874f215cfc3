"""In which portions the shipped actions go through their hosts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from mcoflow.action import Action
from mcoflow.domain.rollout import CAREFUL, MANY, Offline, OnExceed, Rollout, Share
from mcoflow.errors import RolloutInvalidError

_CAREFULLY: Final = ("batch", "canary", "concurrency", "max_failures")
"""Who says one of these says how; else many hosts take turns as CAREFUL has it."""


def _share(text: int | str | None) -> int | str | None:
    if text is not None:
        try:
            Share.parse(text)
        except RolloutInvalidError as error:
            raise ValueError(str(error)) from None
    return text


_Share = Annotated[int | str | None, AfterValidator(_share)]


class RolloutInput(BaseModel):
    """Waves, and how many hosts may fail; what is left out is decided by the number of hosts."""

    model_config = ConfigDict(extra="forbid", strict=True)

    batch: Annotated[_Share, Field(description="hosts of a wave: 25 or 10%; 100% is all at once")] = None
    canary: Annotated[
        int | None, Field(ge=0, description="so many hosts go first; none of them may fail")
    ] = None
    wait: Annotated[float, Field(ge=0, le=604_800, description="seconds between two waves")] = 0.0
    concurrency: Annotated[int | None, Field(ge=1, description="so many hosts at a time")] = None
    max_failures: Annotated[_Share, Field(description="so many hosts may fail: 2 or 10%")] = None
    on_exceed: Annotated[Literal["pause", "stop"], Field(description="when more have failed")] = "pause"
    offline: Annotated[Literal["wait", "skip", "fail"], Field(description="hosts that are not online")] = (
        "wait"
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        """Refuse what no rollout can be."""
        try:
            self.rollout(1)
        except RolloutInvalidError as error:  # whoever tells of it names the field
            raise ValueError(str(error).removeprefix("rollout: ")) from None
        return self

    def rollout(self, hosts: int, *, careful: bool = True) -> Rollout:
        """Return how so many hosts take turns; `careful`: many of them as CAREFUL has it by default."""
        said = any(getattr(self, name) is not None for name in _CAREFULLY)
        usual = CAREFUL if careful and not said and hosts > MANY else Rollout()
        given: dict[str, Any] = {
            "batch": None if self.batch is None else Share.parse(self.batch),
            "canary": self.canary,
            "concurrency": self.concurrency,
            "max_failures": None if self.max_failures is None else Share.parse(self.max_failures),
        }
        return replace(
            usual,
            wait=timedelta(seconds=self.wait),
            on_exceed=OnExceed(self.on_exceed),
            offline=Offline(self.offline),
            **{name: value for name, value in given.items() if value is not None},
        )


def in_turn(action: Action, asked: dict[str, Any], *, careful: bool = True) -> Iterator[str]:
    """Yield each host of the input; what is planned meanwhile is its work, and waits for its turn.

    `careful`: over 20 hosts there is a canary, waves, and a limit of failures, if nobody says how.
    """
    hosts, said = asked["hosts"], asked.get("rollout")
    if len(hosts) == 1 and said is None:
        yield hosts[0]
        return
    how = RolloutInput.model_validate(said or {}).rollout(len(hosts), careful=careful)
    with action.rollout(how):
        for host in hosts:
            with action.branch():
                yield host
