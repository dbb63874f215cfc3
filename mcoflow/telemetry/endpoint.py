"""`/metrics` of a process that has no pages, served by the client library."""

from __future__ import annotations

from typing import Self

from prometheus_client import start_http_server

from mcoflow.errors import ConfigError
from mcoflow.telemetry.prometheus import Prometheus


class Endpoint:
    """A context manager: listens from its start to its end. Port 0 takes a free one.

    Raises:
        ConfigError: by entering; the address cannot be listened on.
    """

    def __init__(self, metrics: Prometheus, host: str, port: int) -> None:
        self._metrics, self._host, self._port = metrics, host, port

    @property
    def port(self) -> int:
        """The port that was taken."""
        return self._server.server_port

    def __enter__(self) -> Self:
        try:
            found = start_http_server(self._port, self._host, self._metrics.registry)
        except OSError as error:
            raise ConfigError(
                f"metrics cannot be served on {self._host} port {self._port}: {error.strerror}; "
                "choose another address with [telemetry] listen"
            ) from None
        self._server, self._thread = found
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
