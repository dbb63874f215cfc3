"""The actions that can be run: the shipped ones, and those of installed packages."""

from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from mcoflow.errors import ConfigurationError

GROUP: Final = "mcoflow.actions"
"""Entry points of this group name modules, whose import registers actions."""


def load_actions() -> None:
    """Import the shipped actions and those of installed packages.

    Raises:
        ConfigurationError: names the package's entry point that cannot be imported, and why.
    """
    import_module("mcoflow.actions")
    for point in entry_points(group=GROUP):
        try:
            point.load()
        except Exception as error:  # a foreign module may raise anything
            raise ConfigurationError(
                f"the actions of {point.value} cannot be loaded: {type(error).__name__}: {error}; "
                "mend or uninstall that package"
            ) from error
