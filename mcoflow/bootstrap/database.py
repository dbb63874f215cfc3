"""The database's schema, for those who upgrade it by hand before they start a new release."""

from mcoflow.config import Config


def upgrade_database(config: Config) -> tuple[str | None, str]:
    """Bring the database to this release's schema; return what it was (None: empty) and what it is."""
    from mcoflow.storage import migrate

    url = str(config.server.database)
    before = migrate.current(url)
    return before, migrate.upgrade(url)
