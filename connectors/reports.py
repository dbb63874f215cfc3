"""Tells the watch about the link, each change once."""

import logging

from mcoflow.clock import Clock
from mcoflow.ports.bus import Link, LinkReport, Watch

log = logging.getLogger(__name__)


class Reporter:
    """Passes on what differs from the report before. Used on the connector's thread only."""

    def __init__(self, watch: Watch, clock: Clock) -> None:
        self._watch, self._clock = watch, clock
        self._last: tuple[Link, str] | None = None

    def say(self, link: Link, why: str = "", *, anew: bool = False) -> None:
        """Report where the link stands, unless that was the last report and nothing was made anew."""
        if (link, why) == self._last and not anew:
            return
        self._last = link, why
        log.debug("bus.link", extra={"link": link.value, "why": why})
        try:
            self._watch(LinkReport(link, why, self._clock.now(), anew))
        except Exception:
            log.exception("bus.watch_failed")  # the watch is not ours: its error must not end this thread
