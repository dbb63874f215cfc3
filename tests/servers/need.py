"""What a test needs of the machine, and a port to put it on."""

import os
import random
import socket
from pathlib import Path

import pytest

_PORTS = range(20_000, 32_000)
"""Below the range the kernel hands out by itself: no outgoing connection takes the port in between."""


def need(found: object, what: str) -> None:
    """Skip the test unless `found`; under CI=true it is an error, so that nothing is left out unnoticed."""
    if found:
        return
    reason = f"{what} is missing; `make test` installs it when run as root"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def first_path(*patterns: str) -> Path | None:
    """Return the last match of the first absolute glob pattern that matches anything."""
    for pattern in patterns:
        found = sorted(Path("/").glob(pattern.lstrip("/")))
        if found:
            return found[-1]
    return None


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that nobody listens on now."""
    while True:
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
