"""mcoflow.storage: the store on SQLite or PostgreSQL."""

from mcoflow.storage.open import open_store
from mcoflow.storage.store import SqlStore

__all__ = ["SqlStore", "open_store"]
