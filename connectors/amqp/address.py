"""The URL of a broker: checked, and shown without its password."""

import ssl
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from mcoflow.errors import ConfigError

_REMEDY: Final = "write it as amqp://user:password@host:5672/vhost (amqps:// for TLS)"
_PORTS: Final = {"amqp": 5672, "amqps": 5671}


@dataclass(frozen=True, slots=True, repr=False)
class BrokerAddress:
    """Where the broker is, who we are there, and how we prove it."""

    host: str
    port: int
    vhost: str
    user: str | None  #: None: the certificate says who we are
    password: str
    tls: ssl.SSLContext | None
    heartbeat: timedelta

    def __str__(self) -> str:
        who = f"{self.user}@" if self.user else ""
        return f"{who}{self.host}:{self.port}, virtual host {self.vhost}"


def broker_address(
    url: str, *, heartbeat: timedelta, ca: Path | None, cert: Path | None, key: Path | None
) -> BrokerAddress:
    """Read the URL and the TLS files; raise ConfigError with the remedy, never with the password."""
    parts, port = _split(url)
    scheme = parts.scheme.lower()
    tls = _tls(ca, cert, key) if scheme == "amqps" else None
    if tls is None and (ca or cert or key):
        raise ConfigError("[broker] ca, cert and key are for TLS, but url begins with amqp://: use amqps://")
    external = cert is not None and parts.username is None
    return BrokerAddress(
        host=parts.hostname or "localhost",
        port=port or _PORTS[scheme],
        vhost=unquote(parts.path[1:]) or "/",
        user=None if external else unquote(parts.username or "guest"),
        password=unquote(parts.password or "guest"),
        tls=tls,
        heartbeat=heartbeat,
    )


def _split(url: str) -> tuple[SplitResult, int | None]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ConfigError(f"[broker] url is malformed (host or port): {_REMEDY}") from None
    if parts.scheme.lower() not in _PORTS:
        raise ConfigError(f"[broker] url must begin with amqp:// or amqps://: {_REMEDY}")
    if parts.query or parts.fragment or "/" in parts.path[1:]:
        raise ConfigError(
            f"[broker] url has more than a virtual host after the host: {_REMEDY}, %2F for a slash"
        )
    return parts, port


def _tls(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    if (cert is None) != (key is None):
        raise ConfigError("[broker] cert and key go together: give both, or none")
    try:
        context = ssl.create_default_context(cafile=ca)
        if cert is not None:
            context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        files = ", ".join(str(path) for path in (ca, cert, key) if path)
        raise ConfigError(f"[broker] ca, cert, key: cannot use {files}: {error}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
