"""The form: what it makes of the fields, and what it says back while somebody types."""

from collections import Counter
from dataclasses import dataclass

from mcoflow.domain.presence import Presence
from mcoflow.services.fields import Filled, Order, hosts_of, names_of, read_fields
from mcoflow.services.hosts import Hosts

LOOKED_UP = 20
"""Hosts whose presence is read for an echo."""


@dataclass(frozen=True, slots=True)
class Echo:
    """Both fields in words; empty where nothing sensible can be said yet."""

    hosts: str
    param: str


class Form:
    """The use cases of the form."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts

    def read(self, filled: Filled) -> Order:
        """Return the action and arguments to submit; FormInvalidError names every field that is wrong."""
        return read_fields(filled)

    def echo(self, hostname: str, param: str) -> Echo:
        """Return what would be done with what has been typed so far."""
        return Echo(_hosts(self._hosts, hostname), _param(param))


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
