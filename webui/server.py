"""Serve the app with waitress, in a thread of its own."""

import threading
from typing import Any, Final, Self

from waitress import wasyncore
from waitress.server import create_server

from mcoflow.services import Services
from webui.app import create_app, stop
from webui.settings import WebSettings

SPARE_THREADS: Final = 16
"""Threads that stay for short requests when every stream is taken."""
SPARE_CONNECTIONS: Final = 200
MAX_HEADER: Final = 32 * 1024
MAX_BODY: Final = 9 << 20
"""A little above the largest body that any surface takes, whose own check says it better."""


class WebServer:
    """The pages on a socket. A context manager: start … stop."""

    def __init__(self, services: Services, settings: WebSettings) -> None:
        self._app = create_app(services, settings)
        self._map: dict[int, Any] = {}
        threads = settings.max_streams + SPARE_THREADS
        self._server = create_server(
            self._app,
            map=self._map,
            host=settings.host,
            port=settings.port,
            threads=threads,
            connection_limit=threads + SPARE_CONNECTIONS,
            max_request_header_size=MAX_HEADER,
            max_request_body_size=MAX_BODY,
            channel_request_lookahead=1,  # lets a stream see that its reader has gone
            ident="mcoflow",
            clear_untrusted_proxy_headers=True,
        )
        self._thread = threading.Thread(target=self._server.run, name="web", daemon=True)

    @property
    def url(self) -> str:
        """Where it listens, the port the one that was taken when 0 was asked for."""
        host = self._server.effective_host
        shown = f"[{host}]" if ":" in host else host
        return f"http://{shown}:{self._server.effective_port}"

    def start(self) -> None:
        """Begin to answer; the socket listens since the server was made."""
        self._thread.start()

    def stop(self) -> None:
        """End streams, finish what is being answered, close all connections; at most some seconds."""
        stop(self._app)
        self._server.task_dispatcher.shutdown(cancel_pending=True, timeout=5)
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._map))
        self._thread.join(timeout=5)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
