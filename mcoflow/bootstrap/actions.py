"""The actions that can be run: the shipped ones, and those of installed packages."""

import logging
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

log = logging.getLogger("mcoflow.actions")

GROUP: Final = "mcoflow.actions"
"""Entry points of this group name modules, whose import registers actions."""


def load_actions() -> Sequence[str]:
    """Import the shipped actions and those of installed packages; return what is wrong with packages.

    A package that cannot be imported takes nothing else away: its tasks are shown as ones of unknown actions.
    """
    import_module("mcoflow.actions")
    broken = []
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a foreign module may raise anything
            broken.append(
                f"the actions of {point.value} cannot be loaded: {type(error).__name__}: {error}; "
                "mend or uninstall that package"
            )
    return broken


def load_and_log() -> None:
    """Load the actions in a process that serves others; what is wrong is for its log."""
    for reason in load_actions():
        log.error("actions.broken", extra={"reason": reason})
