"""What the forms have in common: on which hosts, in which portions and when, and the task made of it."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from flask import request

from mcoflow.errors import FormInvalidError
from mcoflow.services import Order
from mcoflow.services.placing import PORTIONS, Placing
from webui.current import LOCAL, services
from webui.parts import Part
from webui.when import zone

MAX_KEY: Final = 255
SHOWN: Final = 1000
"""Hosts that a preview names."""


def placing_fields(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the fields of a Placing as they came."""
    texts = ("hostname", "target", "limit", "start_at", "start_before", "confirm")
    return {
        **{name: fields.get(name, "") for name in texts},
        "portions": {name: fields.get(name, "") for name in PORTIONS},
        "check": fields.get("check") == "yes",
        "zone": zone(),
    }


def key_given() -> str:
    """Return the key of the form that was sent."""
    return request.form.get("key", "")[:MAX_KEY]


def echoes(placing: Placing) -> dict[str, Part]:
    """Return the live parts that say back whom the fields mean."""
    form = services().form
    return {
        "echo_hosts": Part("placing", "echo_hosts", lambda: (form.echo(placing.hostname, ""),)),
        "echo_target": Part("placing", "echo_target", lambda: (form.echo("", "", placing.target),)),
    }


def made_of(read: Callable[[], Order], placing: Placing, *, key: str) -> UUID:
    """Make a task of a form, now or to start as it says; return its id.

    Raises:
        FormInvalidError: names every field that is wrong; nothing was stored.
        UnknownActionError, InputInvalidError, PlanExistsError: see Plans.submit.
    """
    faults: dict[str, str] = {}
    order = when = None
    try:
        order = read()
    except FormInvalidError as error:
        faults |= error.faults
    try:
        when = services().schedules.when(placing)
    except FormInvalidError as error:
        faults |= error.faults
    if faults or order is None:
        raise FormInvalidError(faults)
    if when is None:
        return services().plans.submit(order.action, order.arguments, user=LOCAL, key=key).plan_id
    return services().schedules.submit(order.action, order.arguments, schedule=when, user=LOCAL, key=key)
