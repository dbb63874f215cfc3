"""What the web process has to know about where and how it listens."""

import os
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from mcoflow.config import WebConfig

LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class WebSettings:
    """Where to listen, which `Host` names to answer to, and the key that signs session cookies.

    `origins` are further `host[:port]` from which forms may come: that of the public URL, if there is one.
    `max_streams` are event streams at a time in this process; the next one gets 503.
    """

    secret_key: bytes
    host: str = "127.0.0.1"
    port: int = 9292
    allowed_hosts: frozenset[str] = LOOPBACK_NAMES
    origins: frozenset[str] = frozenset()
    max_streams: int = 48

    @classmethod
    def of(cls, config: WebConfig, secret_key: bytes) -> Self:
        """Return the settings of the `[web]` section."""
        public = urlsplit(str(config.public_url)) if config.public_url else None
        names = {config.listen.host.lower(), *(name.lower() for name in config.allowed_hosts)}
        if public and public.hostname:
            names.add(public.hostname)
        return cls(
            secret_key=secret_key,
            host=config.listen.host,
            port=config.listen.port,
            allowed_hosts=LOOPBACK_NAMES | names,
            origins=frozenset({public.netloc.lower()}) if public else frozenset(),
            max_streams=config.max_streams,
        )


def session_key(file: Path) -> bytes:
    """Return the key in a file, made on first use and readable by its owner alone.

    A key that outlives the process keeps open forms valid over a restart.
    """
    if not file.exists():
        draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            new.write(secrets.token_bytes(_KEY_BYTES))
        with suppress(FileExistsError):  # another process was faster: its key counts
            os.link(draft, file)
        draft.unlink()
    return file.read_bytes()
