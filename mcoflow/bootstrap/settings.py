"""What the settings mean for the parts, and which settings a deployment cannot be started with."""

import os
import socket
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from mcoflow.config import AgentConfig, BrokerConfig, Config
from mcoflow.domain.ids import host_id
from mcoflow.errors import ConfigError, InputInvalidError
from mcoflow.ports.bus_settings import BusSettings

SHARED_BUS: Final = "amqp://user:password@host/vhost"
_NAMELESS: Final = frozenset({"localhost", "localhost.localdomain"})
_WRITABLE_BY_OTHERS: Final = 0o022
_READABLE_BY_ALL: Final = 0o004
_NO_SECRET: Final = "guest"  # noqa: S105  everybody knows it
"""What every RabbitMQ begins with, for its own machine alone."""


def is_in_process(broker: BrokerConfig) -> bool:
    """Whether the bus lives and dies with one process."""
    return broker.url.partition("://")[0].partition("+")[0].lower() == "memory"


def require_shared_bus(config: Config, command: str) -> None:
    """Raise ConfigError if the bus is inside one process: a second one would be alone on it."""
    if is_in_process(config.broker):
        raise ConfigError(
            f"`mcoflow {command}` needs a bus that several processes share, but [broker] url is memory://, "
            f"which is inside one: set it to {SHARED_BUS} (RabbitMQ), "
            "or start everything in one process with `mcoflow up`"
        )


def check_trusted(config: Config) -> None:
    """Look at the mode of the settings file.

    Raises:
        ConfigError: others may write it, and would decide what runs here; or all may read a password in it.
    """
    source = config.source
    if source is None:
        return
    found = source.stat()
    if found.st_mode & _WRITABLE_BY_OTHERS:
        raise ConfigError(f"{source} can be written by others than its owner: chmod go-w {source}")
    if found.st_uid not in (0, os.geteuid()):
        raise ConfigError(f"{source} belongs to another user: chown it to this one, or to root")
    if found.st_mode & _READABLE_BY_ALL and _has_password(source, config):
        raise ConfigError(f"there is a password in {source}, which everybody can read: chmod o-r {source}")


def _has_password(source: Path, config: Config) -> bool:
    """Whether a password that is used stands in the file, and not in the environment."""
    urls = (str(config.broker.url), str(config.server.database))
    passwords = {urlsplit(url).password for url in urls} - {None, "", _NO_SECRET}
    text = source.read_text("utf-8")
    return any(f":{password}@" in text for password in passwords)


def bus_settings(broker: BrokerConfig) -> BusSettings:
    """Return the `[broker]` section as connectors take it."""
    return BusSettings(
        url=str(broker.url),
        prefix=broker.prefix,
        replicated=broker.replicated,
        heartbeat=broker.heartbeat,
        ca=broker.ca,
        cert=broker.cert,
        key=broker.key,
    )


def identity_of(agent: AgentConfig) -> str:
    """Return the name of this host on the bus; ConfigError if the machine has none that is fit."""
    if agent.identity is not None:
        return agent.identity
    found = socket.getfqdn()
    try:
        return host_id(socket.gethostname() if found in _NAMELESS else found)
    except InputInvalidError as error:
        raise ConfigError(f"the name of this machine cannot be used: {error}; set [agent] identity") from None
