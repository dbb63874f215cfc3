"""One thing that was looked at."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, whether it is good, what was found; `remedy` is empty when it is good."""

    what: str
    good: bool
    found: str
    remedy: str = ""
