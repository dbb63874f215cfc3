"""Keys of forms: what is sent twice with the same key is one task."""

from typing import Final
from uuid import UUID, uuid5

_KEYS: Final = UUID("5f0c5c33-6bb5-4f0e-9d0c-0d6c9d2f3b11")
"""Namespace in which the key of a form becomes the id of its task."""


def task_of_key(key: str) -> UUID | None:
    """Return the id of the task that a key makes; None without one: then any."""
    return uuid5(_KEYS, key) if key else None
