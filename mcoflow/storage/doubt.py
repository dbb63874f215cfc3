"""Commits whose answer was lost: the database may have done them or not, and only it can tell.

SQLite is not away between a commit and its answer, so only PostgreSQL's transactions are looked after.
"""

from collections.abc import Collection
from threading import Lock
from uuid import UUID

from mcoflow.errors import StoreUnavailableError
from mcoflow.ports.store import Changes
from mcoflow.storage.database import Database


class Doubts:
    """What was about to be committed when the connection broke."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = Lock()
        self._batches: dict[int, tuple[Changes, int]] = {}
        self._claims: list[tuple[UUID, Collection[UUID]]] = []

    def batch_broke(self, changes: Changes, transaction: int | None) -> None:
        """Remember a batch whose COMMIT, if it came so far, was not answered; `transaction` is its number."""
        if transaction is not None:
            with self._lock:
                self._batches[id(changes)] = (changes, transaction)

    def was_written(self, changes: Changes) -> bool:
        """Whether these changes, tried again, have been committed the first time.

        StoreUnavailableError while the database does not know itself yet.
        """
        if id(changes) not in self._batches:
            return False
        fate = self._fate(self._batches[id(changes)][1])
        if fate == "in progress":
            raise StoreUnavailableError(f"the database {self._database.name} still ends a broken transaction")
        with self._lock:
            del self._batches[id(changes)]
        return fate == "committed"

    def claim_broke(self, world_id: UUID, plan_ids: Collection[UUID]) -> None:
        """Remember a claim that may have been granted without our learning of it."""
        if plan_ids:
            with self._lock:
                self._claims.append((world_id, plan_ids))

    def broken_claims(self) -> Collection[tuple[UUID, Collection[UUID]]]:
        """Return the claims that broke; `forget` them once their plans are free."""
        return tuple(self._claims)

    def forget(self, claims: Collection[tuple[UUID, Collection[UUID]]]) -> None:
        """Drop claims from the list."""
        with self._lock:
            self._claims = [each for each in self._claims if each not in claims]

    def _fate(self, transaction: int) -> str:
        with self._database.glancing() as connection:
            return str(connection.exec_driver_sql(f"SELECT pg_xact_status('{transaction}')").scalar_one())
