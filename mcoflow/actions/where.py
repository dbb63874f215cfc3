"""From what the input of an action says of hosts to the list of them that its plan keeps."""

from typing import Any, Final

from mcoflow.action import Action

_CHOICE: Final = ("limit", "one", "seed")


def frozen(action: Action, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the input with the hosts that are meant now: what becomes of their facts later changes nothing.

    The target and the choice stay beside them, for people. Raises what WorldHandle.hosts_matching does.
    """
    if "target" not in asked:
        return asked
    choice = {key: asked[key] for key in _CHOICE if key in asked}
    return {**asked, "hosts": list(action.world.hosts_matching(asked["target"], **choice))}


def without_target(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the input of the steps on single hosts: all but where, and in which portions."""
    return {key: value for key, value in asked.items() if key not in ("hosts", "target", "rollout", *_CHOICE)}
