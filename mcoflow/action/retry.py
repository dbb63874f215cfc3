"""Retry: which failures of a step are tried again, and how patiently."""

from dataclasses import dataclass
from datetime import timedelta

from mcoflow.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Retry:
    """Try a failed step again, after waits that grow and are drawn by chance.

    tries: how often in all, the first one included. base: the most that the first wait takes; it doubles
    with each failed try. cap: the most that any wait takes. on: the exceptions that are worth another try.
    ConfigurationError: a number that makes no sense.
    """

    tries: int = 3
    base: timedelta = timedelta(seconds=1)
    cap: timedelta = timedelta(seconds=60)
    on: tuple[type[Exception], ...] = (Exception,)

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise ConfigurationError(f"Retry: tries has to be 1 or more, not {self.tries}")
        if self.base <= timedelta(0) or self.cap <= timedelta(0):
            raise ConfigurationError(
                f"Retry: base and cap have to be above zero, not {self.base}, {self.cap}"
            )
