"""Whether the broker takes us, and lets us do what our role needs."""

import socket
import threading
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from mcoflow.bootstrap.finding import Finding
from mcoflow.bootstrap.settings import bus_settings, is_in_process
from mcoflow.config import Config, masked
from mcoflow.errors import McoflowError
from mcoflow.ports.bus import Link, LinkReport

LINK_WITHIN: Final = 5.0
"""Seconds that a broker gets to answer."""
KNOCK_WITHIN: Final = 1.0
_PORTS: Final = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379}


def broker(config: Config, *, host: str | None = None) -> Finding:
    """Look whether it takes the agent of `host`, or a server if no host is named."""
    shown = masked(str(config.broker.url))
    if is_in_process(config.broker):
        return Finding("broker", True, f"{shown}, inside the process of `mcoflow up`")
    try:
        if config.broker.url.lower().startswith("amqp"):
            return _rabbitmq(config, shown, host)
        return _other(config, shown)
    except McoflowError as error:
        return Finding("broker", False, shown, str(error))


def _rabbitmq(config: Config, shown: str, host: str | None) -> Finding:
    from connectors.amqp.probe import probe

    who = f"the agent of {host}" if host else "a server"
    found = probe(bus_settings(config.broker), host=host)
    if found.refused:
        return Finding("broker", False, f"{shown}: {found.refused}", found.remedy)
    if found.agents > 1:
        from mcoflow.agent.presence import RENAME

        return Finding("broker", False, f"{shown}: {found.agents} agents take requests of {host}", RENAME)
    new = "; no executor has used it yet" if found.untouched else ""
    return Finding("broker", True, f"{shown} lets in {who}{new}")


def _other(config: Config, shown: str) -> Finding:
    report = _link(config)
    if report.link is Link.UP:
        return Finding("broker", True, shown)
    why = report.why or f"no answer within {LINK_WITHIN:.0f} s"
    return Finding("broker", False, f"{shown}: {why}", "start the broker there, or correct [broker] url")


def _link(config: Config) -> LinkReport:
    """Connect, and return the first report that says how it went."""
    from connectors.choose import executor_connector

    settled, last = threading.Event(), [LinkReport(Link.CONNECTING)]

    def watch(report: LinkReport) -> None:
        last[0] = report
        if report.link is not Link.CONNECTING:
            settled.set()

    connector = executor_connector(bus_settings(config.broker))
    connector.open(watch)
    settled.wait(LINK_WITHIN)
    report = last[0]
    connector.close(wait=timedelta(0))
    return report


def knock(config: Config) -> str:
    """Return why nobody answers at the broker's address, in a second at most; empty if somebody does.

    It costs no login: what else may be wrong is told by `broker`.
    """
    parts = urlsplit(str(config.broker.url))
    port = parts.port or _PORTS.get(parts.scheme.lower(), 0)
    if is_in_process(config.broker) or not port:
        return ""
    where = f"{parts.hostname or 'localhost'}:{port}"
    try:
        socket.create_connection((parts.hostname or "localhost", port), timeout=KNOCK_WITHIN).close()
    except TimeoutError:
        return f"{where} does not answer"
    except OSError as error:
        return f"{where}: {error.strerror or error}"
    return ""
