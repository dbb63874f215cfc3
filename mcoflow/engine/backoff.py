"""How long to wait before the next try."""

from datetime import timedelta
from random import Random


def backoff(tries: int, *, base: timedelta, cap: timedelta, chance: Random) -> timedelta:
    """Draw the wait before the next try from [0, min(cap, base * 2 ** (tries - 1))].

    Args:
        tries: failed tries so far, 1 or more.
        base: ceiling of the first wait, above zero; each further try doubles the ceiling.
        cap: ceiling of every wait.
        chance: source of chance; tests pass a seeded one.

    Raises:
        ValueError: `tries` is below 1.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    """
    if tries < 1:
        raise ValueError(f"tries must be 1 or more, got {tries}")
    doublings = min(tries - 1, 20)  # a millionfold is past any cap; timedelta overflows later
    return min(cap, base * (1 << doublings)) * chance.random()
