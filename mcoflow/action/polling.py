"""Polling: an action that starts something elsewhere and looks how it is getting on."""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn

from pydantic import JsonValue

from mcoflow.action.base import Action
from mcoflow.action.stage import PlannedTimer
from mcoflow.domain.events import FOREVER, Event
from mcoflow.errors import ConfigurationError


class Polling(Action):
    """Start a task elsewhere, and ask for it again and again until it is done; no thread waits meanwhile.

    `output["task"]` is what was told last. `output["poll_attempts"]` counts polls: `total`, and `failed` ones
    in a row. A step that is resumed, or tried again, asks for the task that it had; only if that fails it
    starts another one. A user event, if the class accepts any, has the task asked for at once.

    Class variables:
        poll_intervals: seconds between two polls; each is used polls_per_interval times, the last for ever.
        poll_max_retries: failed polls in a row that are borne.
    ConfigurationError: no interval, or one below zero.
    """

    poll_intervals: ClassVar[tuple[float, ...]] = (0.5, 1, 2, 4, 8, 16)
    polls_per_interval: ClassVar[int] = 5
    poll_max_retries: ClassVar[int] = 3

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if not cls.poll_intervals or min(cls.poll_intervals) < 0 or cls.polls_per_interval < 1:
            what = "polling needs an interval, none below zero, each for at least one poll"
            raise ConfigurationError(f"{cls.__qualname__}: {what}")
        super().__init_subclass__(**kwargs)

    # -- for authors to override --------------------------------------------------------------------------

    def invoke_external_task(self) -> JsonValue:
        """Start the task and return what identifies it."""
        raise NotImplementedError(f"{self.name}: invoke_external_task starts the task")

    def poll_external_task(self) -> JsonValue:
        """Ask for the task and return what is told of it."""
        raise NotImplementedError(f"{self.name}: poll_external_task asks for the task")

    def done(self) -> bool:
        """Whether `output["task"]` says that the task has ended; raise if it ended badly."""
        raise NotImplementedError(f"{self.name}: done reads output['task']")

    def on_finish(self) -> None:
        """Do what is left when the task is done; by default nothing."""

    # -- what the engine calls ----------------------------------------------------------------------------

    def run(self, event: Event | None) -> None:
        """Start the task, or find it again; a user event asks for it before its time."""
        if event is not None:
            self.on_poll()
            return
        self.output["poll_attempts"] = {"total": 0, "failed": 0}
        if "task" not in self.output or not self._found_again():
            self.output["task"] = self.invoke_external_task()
            self._sleep()

    def on_poll(self) -> None:
        """Ask for the task; called instead of `run` when its time has come."""
        attempts = self.output["poll_attempts"]
        attempts["total"] += 1
        try:
            task = self.poll_external_task()
        except Exception as error:  # whatever it is, the next poll may do better
            attempts["failed"] += 1
            if attempts["failed"] > self.poll_max_retries:
                raise
            self.log.warning("poll.failed", extra={"action": self.name, "reason": str(error)})
            self._sleep()
        attempts["failed"] = 0
        self._told(task)

    def _found_again(self) -> bool:
        try:
            task = self.poll_external_task()
        except Exception as error:  # noqa: BLE001 - the task is gone, whatever says so
            self.log.warning("poll.lost", extra={"action": self.name, "reason": str(error)})
            return False
        self._told(task)
        return True

    def _told(self, task: JsonValue) -> None:
        self.output["task"] = task
        if not self.done():
            self._sleep()
        self.on_finish()

    def _sleep(self) -> NoReturn:
        level = self.output["poll_attempts"]["total"] // self.polls_per_interval
        interval = self.poll_intervals[min(level, len(self.poll_intervals) - 1)]
        self._stage.produced.timers.append(PlannedTimer("poll", interval))
        self.suspend(patience=FOREVER)
