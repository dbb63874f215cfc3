"""The form: what it makes of the fields, and what it says back while somebody types."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Final

from mcoflow.domain.presence import Presence
from mcoflow.errors import FormInvalidError
from mcoflow.services.asking import Asking
from mcoflow.services.fields import (
    ACTIONS,
    BUTTONS,
    Filled,
    Order,
    names_of,
    order_of,
    read_fields,
    read_where,
)
from mcoflow.services.hosts import Hosts
from mcoflow.services.placing import Faults, hosts_of
from mcoflow.services.portions import OrderPreview

USUAL: Final = "install"
"""An action of the form, for what does not depend on which."""
LOOKED_UP = 20
"""Hosts whose presence is read for an echo."""


@dataclass(frozen=True, slots=True)
class Echo:
    """The fields in words; empty where nothing sensible can be said yet."""

    hosts: str
    param: str
    target: str = ""


class Form:
    """The use cases of the form."""

    def __init__(self, hosts: Hosts, asking: Asking) -> None:
        self._hosts, self._asking = hosts, asking

    def read(self, filled: Filled) -> Order:
        """Return the action and arguments to submit; FormInvalidError names every field that is wrong."""
        return read_fields(filled)

    def confirmed(self, filled: Filled) -> Order:
        """Return what to submit as `read` does, for people: of many hosts the number was typed.

        Raises:
            FormInvalidError: names every field that is wrong.
        """
        faults = Faults()
        order = order_of(filled, faults)
        self._asking.confirm(order, filled, faults)
        return order

    def preview(self, filled: Filled) -> OrderPreview:
        """Tell where it would go, in which waves, and what each host would go through; nothing is stored.

        Without an action that is told of each button whose action can be read from the fields.

        Raises:
            FormInvalidError: names what is wrong of hostname, target and portions.
        """
        where = read_where(filled)
        action = filled.action.strip().lower()
        orders = [found for name in ([action] if action else BUTTONS) if (found := _readable(filled, name))]
        return self._asking.preview(*orders) if orders else self._asking.where(Order(USUAL, where))

    def usual(self, filled: Filled) -> Filled:
        """Return the fields with the portions that many hosts have by default, unless it was said how."""
        action = filled.action.strip().lower()
        try:
            order = Order(action if action in ACTIONS else USUAL, read_where(filled))
        except FormInvalidError:
            return filled
        return self._asking.usual(order, filled)

    def echo(self, hostname: str, param: str, target: str = "") -> Echo:
        """Return what would be done with what has been typed so far."""
        return Echo(_hosts(self._hosts, hostname), _param(param), self._target(target))

    def _target(self, text: str) -> str:
        """Return whom a target means, or what is wrong with it, in one line."""
        if not text.strip():
            return ""
        try:
            found = self._asking.where(Order(USUAL, {"target": text.strip()}))
            return "; ".join(said for said in (found.words, found.unknown_words) if said)
        except FormInvalidError as error:
            return next(iter(error.faults.values())).partition("\n")[0]


def _hosts(hosts: Hosts, text: str) -> str:
    if not text.strip():
        return ""
    try:
        names = hosts_of(text)
    except ValueError as fault:
        return str(fault)
    if len(names) > LOOKED_UP:
        return _count(len(names), "host")
    found = Counter(hosts.presence(names).values())
    said = [_said(presence, number, len(names)) for presence, number in found.items()]
    return ", ".join([_count(len(names), "host"), *said])


def _said(presence: Presence | None, number: int, of: int) -> str:
    word = "never seen" if presence is None else str(presence)
    return word if number == of else f"{number} {word}"


def _param(text: str) -> str:
    if not text.strip():
        return ""
    try:
        names = names_of(text)
    except ValueError as fault:
        return str(fault)
    packages, services = len(names.packages), len(names.services)
    if not services:
        return (
            f"{_count(packages, 'package')}, or a service to restart"
            if packages == 1
            else _count(packages, "package")
        )
    if not packages:
        return f"restart of {_count(services, 'service')}"
    return f"{_count(packages, 'package')}, then {_count(services, 'service')} if one succeeds"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _readable(filled: Filled, action: str) -> Order | None:
    """Return the order of an action, if the fields are of its kind."""
    faults = Faults()
    order = order_of(replace(filled, action=action), faults)
    return None if faults.found else order
