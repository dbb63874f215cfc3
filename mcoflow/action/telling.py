"""What an action says of itself while it works: how far it is, and chunks of output."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Final

from mcoflow.action.stage import Stage
from mcoflow.domain.chunks import Chunk
from mcoflow.domain.plain import MAX_JSON
from mcoflow.errors import ConfigurationError, NotSerialisableError, PhaseError

PAGE: Final = 1000
"""Chunks that are read at once."""


class Telling:
    """The part of Action that is for telling how it is getting on."""

    name: ClassVar[str]
    run_weight: ClassVar[float] = 1.0
    finalize_weight: ClassVar[float] = 1.0
    _stage: Stage

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for weight in (cls.run_weight, cls.finalize_weight):
            if not math.isfinite(weight) or weight < 0:
                raise ConfigurationError(f"{cls.__qualname__}: a weight is zero or more, not {weight}")

    @property
    def log(self) -> logging.Logger:
        """The logger for the author: `mcoflow.action.` and the action's name."""
        return logging.getLogger(f"mcoflow.action.{self.name}")

    # -- progress -----------------------------------------------------------------------------------------

    def run_progress(self) -> float | None:
        """How much of `run` is done, from 0 to 1; None is unknown. Asked when the step sleeps, or failed."""
        return None

    def finalize_progress(self) -> float | None:
        """How much of `finalize` is done, likewise; asked when it failed."""
        return None

    def told_progress(self, phase: str) -> float | None:
        """What run_progress or finalize_progress says; None, and a line in the log, if it says nonsense."""
        own, base = (getattr(each, f"{phase}_progress", None) for each in (type(self), Telling))
        if own is base or own is None:
            return None
        try:
            told = own(self)
            if told is None:
                return None
            if not math.isfinite(told):
                raise ValueError(f"{told} is no part of a whole")
            return float(min(1.0, max(0.0, told)))
        except BaseException as error:  # noqa: BLE001 - how far it is must not decide how it ends
            self.log.warning("progress.unknown", extra={"action": self.name, "reason": repr(error)[:500]})
            return None

    # -- chunks -------------------------------------------------------------------------------------------

    def chunk(self, text: str, *, stream: str = "stdout", at: datetime | None = None) -> None:
        """Add a piece of output. It is stored with the result of the call, and kept if the call fails.

        Args:
            text: up to 1 MiB; what no database can store in it becomes U+FFFD.
            stream: a name of yours for where it comes from.
            at: when it was said, with a timezone; by default when the call's result is stored.

        Raises:
            NotSerialisableError: no text, or too much of it.
            PhaseError: in plan, where nothing has run yet.
        """
        if self._stage.planning is not None:
            raise PhaseError(f"{self.name}: chunks are for what runs, this is {self._stage.phase}")
        if at is not None and at.tzinfo is None:
            raise ValueError(f"{self.name}: a chunk needs a timezone: {at} could be anywhere")
        self._stage.produced.chunks.append(Chunk(_storable(text), _storable(stream), at))

    def chunks(self) -> Iterator[Chunk]:
        """What was said so far, in order: by all calls before, and by this one."""
        after = 0
        read = None if self._stage.produced.drop_chunks else self._stage.read_chunks
        while read is not None and (
            page := read(self._stage.plan_id, self._stage.action_id, after=after, limit=PAGE)
        ):
            yield from page
            after = page[-1].number
        yield from tuple(self._stage.produced.chunks)

    def drop_chunks(self) -> None:
        """Forget all that was said, once this call has ended well; for finalize, if nobody needs it."""
        self._stage.produced.drop_chunks = True
        self._stage.produced.chunks.clear()


def _storable(text: str) -> str:
    """Return the text; NotSerialisableError unless it is one that is small enough."""
    if not isinstance(text, str):
        raise NotSerialisableError(f"a chunk is text, not {type(text).__name__}")
    if len(text) * 4 > MAX_JSON and len(text.encode("utf-8", "surrogatepass")) > MAX_JSON:
        raise NotSerialisableError(f"a chunk takes {MAX_JSON} bytes at most: make more of them")
    return text
