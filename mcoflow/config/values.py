"""How single values are written in broker.cfg. Every reader raises ValueError with the way out."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BeforeValidator

from mcoflow.domain.ids import host_id
from mcoflow.errors import InputInvalidError

_SECONDS: Final = {"ms": 0.001, "s": 1, "": 1, "min": 60, "h": 3600, "d": 86400}
_AMOUNT: Final = re.compile(r"(\d+(?:\.\d+)?) ?([A-Za-z]*)")
_LOGIN: Final = re.compile(r"(//[^:/?#\s]*:)\S*@")  # greedy: a password may hold what it should not
_QUERY: Final = re.compile(r"((?:password|passwd|sslpassword)=)[^&\s]*", re.IGNORECASE)


def masked(text: str) -> str:
    """Return the text with the passwords of URLs in it replaced by stars, fit to be shown."""
    return _QUERY.sub(r"\1***", _LOGIN.sub(r"\1***@", text))


class Url(str):
    """A URL that shows no password in a repr; `str` gives it whole, for those who connect."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(masked(self))


def _parse_duration(text: str) -> timedelta:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or match[2] not in _SECONDS:
        known = ", ".join(filter(None, _SECONDS))
        raise ValueError(f"write a number and one of {known}, like 10 min")
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def _duration(value: object) -> object:
    return _parse_duration(value) if isinstance(value, str) else value


def between(low: str, high: str) -> AfterValidator:
    """Return the check that a duration is from `low` to `high`, both written as in broker.cfg."""
    least, most = _parse_duration(low), _parse_duration(high)

    def check(value: timedelta) -> timedelta:
        if not least <= value <= most:
            raise ValueError(f"write {low} to {high}")
        return value

    return AfterValidator(check)


def _words(value: object) -> object:
    return tuple(filter(None, re.split(r"[,\s]+", value))) if isinstance(value, str) else value


def _bus_url(value: str) -> Url:
    if re.match(r"[a-z][a-z0-9+.-]*://", value) is None:
        raise ValueError("write a URL: memory://, amqp://user:password@host/vhost or amqps://…")
    return Url(value)


def _database_url(value: str) -> Url:
    value = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", value)
    if not value.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise ValueError("write sqlite:///path/to/file.db or postgresql://user:password@host/database")
    if value in ("sqlite:///", "sqlite:///:memory:"):
        raise ValueError(
            "names no file: of a database in memory nothing survives a restart; write sqlite:///path/to/file.db"
        )
    return Url(value)


def _web_url(value: str) -> str:
    if re.fullmatch(r"https?://[^/?#\s]+[^?#\s]*", value) is None:
        raise ValueError("write a URL without query, like https://mcoflow.example.com")
    return value.rstrip("/")


def _identity(value: str) -> str:
    try:
        return host_id(value)
    except InputInvalidError as error:
        raise ValueError(str(error)) from None


@dataclass(frozen=True, slots=True)
class Listener:
    """Where a server listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port` or `[IPv6]:port`; port 0 takes a free one."""
        match = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\s\[\]]+)):(\d{1,5})", text.strip())
        if match is None or int(match[3]) > 65535:
            raise ValueError("write host:port, like 127.0.0.1:9292 or [::1]:9292")
        return cls(match[1] or match[2], int(match[3]))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect. A name other than localhost is taken for outside."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _listener(value: object) -> object:
    return Listener.parse(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_duration)]
"""`500 ms`, `30 s`, `10 min`, `2 h`, `7 d`, or plain seconds."""
"""Bytes: `256 KiB`, `1 MiB`, or a plain number."""
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]
"""Separated by commas or blanks."""
BusUrl = Annotated[str, AfterValidator(_bus_url)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
Identity = Annotated[str, AfterValidator(_identity)]
Listen = Annotated[Listener, BeforeValidator(_listener)]
HomePath = Annotated[Path, AfterValidator(Path.expanduser)]
"""A path; `~` is the home directory."""
