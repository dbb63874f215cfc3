"""What people call actions and the plans that they plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def spoken(name: str) -> str:
    """Return a stored name in words: `acme.actions.rolling_restart` is `Rolling restart`."""
    words = name.rsplit(".", 1)[-1].replace("_", " ").strip()
    return words[:1].upper() + words[1:]


def on_hosts(hosts: Sequence[str]) -> str:
    """Name one host, count several: `on web1`, `on 12 hosts`; nothing for none."""
    if not hosts:
        return ""
    return f"on {hosts[0]}" if len(hosts) == 1 else f"on {len(hosts)} hosts"


def subject_of(given: Any) -> str:
    """Return the package or service that some input names; nothing if it names none."""
    found = given.get("package") or given.get("service")
    return found if isinstance(found, str) else ""


def subject_of_step(given: Any) -> str:
    """Return what the input of a step names: a package, a service, or an operation of an agent."""
    operation = given.get("operation")
    return subject_of(given) or (operation if isinstance(operation, str) else "")
