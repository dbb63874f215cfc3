"""How often a process that serves looks for cycles of garbage."""

import gc
from typing import Final

YOUNG: Final = 10_000
"""Objects made before the youngest are looked at. Python's 700 is reached every few commands while hundreds
are in hand: looking at those again and again took 10 to 16 % of the CPU of executor and agent under load."""


def collect_seldom() -> None:
    """Leave what is there now alone for good, and look at new objects less often.

    Call it once when the process has started; a pause stays below some milliseconds.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
