"""The form: what it makes of the fields, and what it says back while somebody types."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

from mcoflow.domain.presence import Presence
from mcoflow.domain.rollout import Rollout
from mcoflow.errors import FormInvalidError, InputInvalidError, TargetError
from mcoflow.services.fields import (
    ACTIONS,
    CONFIRM_ABOVE,
    Filled,
    Order,
    hosts_of,
    names_of,
    read_fields,
    read_where,
)
from mcoflow.services.hosts import Hosts
from mcoflow.services.portions import OrderPreview, Portions

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

    def __init__(self, hosts: Hosts, portions: Portions) -> None:
        self._hosts, self._portions = hosts, portions

    def read(self, filled: Filled) -> Order:
        """Return the action and arguments to submit; FormInvalidError names every field that is wrong."""
        return read_fields(filled)

    def confirmed(self, filled: Filled) -> Order:
        """Return what to submit as `read` does, for people: of a target's many hosts the number was typed.

        Raises:
            FormInvalidError: names every field that is wrong.
        """
        order = read_fields(filled)
        if filled.target.strip():
            number = self._previewed(order).expected
            if number > CONFIRM_ABOVE and filled.confirm.strip() != str(number):
                raise FormInvalidError(
                    {"confirm": f"this goes to {number} hosts now: type {number} to confirm"}
                )
        return order

    def preview(self, filled: Filled) -> OrderPreview:
        """Tell where it would go and in which waves, whatever the action; nothing is stored.

        Raises:
            FormInvalidError: names what is wrong of hostname, target and portions.
        """
        return self._previewed(Order(USUAL, read_where(filled)))

    def usual(self, filled: Filled) -> Rollout | None:
        """Return in which portions many hosts get their turn by default; None if it was said, or are few."""
        if any(text.strip() for text in filled.portions.values()):
            return None
        action = filled.action.strip().lower()
        try:
            found = self._previewed(Order(action if action in ACTIONS else USUAL, read_where(filled)))
        except FormInvalidError:
            return None
        many = found.expected > CONFIRM_ABOVE
        return found.how if many and found.how is not None and found.how.batch is not None else None

    def _previewed(self, order: Order) -> OrderPreview:
        field = "target" if "target" in order.arguments else "hostname"
        try:
            found = self._portions.preview(order)
        except (TargetError, InputInvalidError) as error:
            raise FormInvalidError({field: str(error)}) from None
        if found is None or not found.matched:
            raise FormInvalidError({field: "no host that is known is meant"})
        return found

    def echo(self, hostname: str, param: str, target: str = "") -> Echo:
        """Return what would be done with what has been typed so far."""
        return Echo(_hosts(self._hosts, hostname), _param(param), self._target(target))

    def _target(self, text: str) -> str:
        """Return whom a target means, or what is wrong with it, in one line."""
        if not text.strip():
            return ""
        try:
            return self._previewed(Order(USUAL, {"target": text.strip()})).words
        except FormInvalidError as error:
            return error.faults["target"].partition("\n")[0]


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
