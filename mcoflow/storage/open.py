"""Opening a store by its URL."""

from mcoflow.clock import Clock
from mcoflow.ports.output import STEP_CAP
from mcoflow.storage import migrate as migration
from mcoflow.storage.engines import connect, database_url
from mcoflow.storage.in_memory import IN_MEMORY, in_memory
from mcoflow.storage.store import SqlStore


def open_store(url: str, clock: Clock, *, migrate: bool = True, output_cap: int = STEP_CAP) -> SqlStore:
    """Open `sqlite:////path` or `postgresql://user@host/name`, bringing its schema up to date first.

    `sqlite:///:memory:` is a new, empty store in the memory of this process, for any number of threads: for
    tests, and for worlds of one process. Nothing of it is left when it is closed.

    Args:
        url: a missing SQLite file is made, readable for its owner alone.
        clock: for what is written into the history; leases go by the database's clock.
        migrate: False only checks the schema.
        output_cap: bytes of output of hosts that are kept of each step; the rest is dropped.

    Raises:
        ConfigError: the URL is malformed or of another kind of database.
        SchemaTooNewError: a newer release wrote the database; nothing was touched.
        SchemaTooOldError: `migrate` is False, and the database is older than this release.
        StoreUnavailableError: it cannot be reached.
    """
    if url == IN_MEMORY:
        return SqlStore(in_memory(), clock, output_cap)
    if migrate:
        migration.upgrade(url, clock)
    else:
        migration.check(url)
    return SqlStore(connect(database_url(url)), clock, output_cap)
