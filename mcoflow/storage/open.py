"""Opening a store by its URL."""

from mcoflow.clock import Clock
from mcoflow.ports.output import STEP_CAP
from mcoflow.storage import migrate as migration
from mcoflow.storage.engines import connect, database_url
from mcoflow.storage.store import SqlStore


def open_store(url: str, clock: Clock, *, migrate: bool = True, output_cap: int = STEP_CAP) -> SqlStore:
    """Open `sqlite:////path` or `postgresql://user@host/name`, bringing its schema up to date first.

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
    if migrate:
        migration.upgrade(url, clock)
    else:
        migration.check(url)
    return SqlStore(connect(database_url(url)), clock, output_cap)
