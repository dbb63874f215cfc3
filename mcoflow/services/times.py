"""Unix times, as they are stored, to datetimes and durations."""

from datetime import UTC, datetime, timedelta


def moment(stored: float | None) -> datetime | None:
    """Return the aware datetime, or None where nothing is stored."""
    return None if stored is None else datetime.fromtimestamp(stored, UTC)


def certain_moment(stored: float) -> datetime:
    """Return the aware datetime of a time that is always stored."""
    return datetime.fromtimestamp(stored, UTC)


def span(started: float | None, ended: float | None, now: float) -> timedelta | None:
    """Return how long it took, or has taken so far; None before it started."""
    if started is None:
        return None
    return timedelta(seconds=max(0.0, (now if ended is None else ended) - started))
