"""From what the input of an action says of hosts to the list of them that its plan keeps."""

from typing import Any, Final

from mcoflow.action import Action
from mcoflow.actions.models import MAX_HOSTS
from mcoflow.errors import InputInvalidError

_CHOICE: Final = ("limit", "one", "seed")


def frozen(action: Action, asked: dict[str, Any]) -> dict[str, Any]:
    """Return the input with the hosts that are meant now: what becomes of their facts later changes nothing.

    The target and the choice stay beside them, for people. Raises what WorldHandle.hosts_matching does, and
    InputInvalidError for more hosts than could be named: nobody could run it again.
    """
    if "target" not in asked:
        return asked
    choice = {key: asked[key] for key in _CHOICE if key in asked}
    hosts = list(action.world.hosts_matching(asked["target"], **choice))
    if len(hosts) > MAX_HOSTS:
        raise InputInvalidError(
            f"the target means {len(hosts)} hosts, {MAX_HOSTS} at most: give a limit, or make several tasks"
        )
    return {**asked, "hosts": hosts}


def without_target(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the input of the steps on single hosts: all but where, and in which portions."""
    return {key: value for key, value in asked.items() if key not in ("hosts", "target", "rollout", *_CHOICE)}
