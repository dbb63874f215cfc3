"""What a package, a version and a service may be called; server and agent check with the same patterns."""

import re
from typing import Final

PACKAGE_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9+._@-]{0,127}(:[a-z0-9-]{1,16})?"
VERSION_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9.+~:^_-]{0,127}"
SERVICE_PATTERN: Final = r"[A-Za-z0-9][A-Za-z0-9:_.@-]{0,127}"

MAX_NAME: Final = 145
"""Characters of the longest package name, with its architecture."""

_FOREIGN_UNITS: Final = re.compile(
    r".*\.(socket|device|mount|automount|swap|target|path|timer|slice|scope|snapshot)"
)
"""A unit of another kind is no service: stopping `default.target` would stop the host."""

_PACKAGE: Final = re.compile(PACKAGE_PATTERN)
_VERSION: Final = re.compile(VERSION_PATTERN)
_SERVICE: Final = re.compile(SERVICE_PATTERN)


def is_package_name(text: str) -> bool:
    """Whether a package may be called so; package managers narrow it further."""
    return _PACKAGE.fullmatch(text) is not None


def is_version(text: str) -> bool:
    """Whether a version of a package may be written so."""
    return _VERSION.fullmatch(text) is not None


def is_service_name(text: str) -> bool:
    """Whether a service may be called so; a systemd unit of another kind than `.service` may not."""
    return _SERVICE.fullmatch(text) is not None and _FOREIGN_UNITS.fullmatch(text) is None
