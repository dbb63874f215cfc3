"""What stands between a world and its store, so that a test can break any call."""

import threading
from collections.abc import Callable
from typing import Any

from mcoflow.errors import StoreUnavailableError
from mcoflow.storage.store import SqlStore

Fault = Callable[..., None]


class Valve:
    """Passes every method on. `before[name]` is called with the arguments first, and may raise or block."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._shut = threading.Event()
        self.before: dict[str, Fault] = {}
        self.calls: list[str] = []

    def shut(self) -> None:
        """Let the database be away, for this world."""
        self._shut.set()

    def open(self) -> None:
        self._shut.clear()
        self.before.clear()

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*args: Any, **fields: Any) -> Any:
            if self._shut.is_set():
                raise StoreUnavailableError("the valve is shut")
            self.calls.append(name)
            if name in self.before:
                self.before[name](*args, **fields)
            return method(*args, **fields)

        return call
