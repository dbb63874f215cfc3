"""A daemon with a bus in memory and real worker processes."""

import sqlite3
from pathlib import Path
from random import Random
from typing import Any

from mcoflow.agent.daemon import AgentDaemon
from mcoflow.agent.worker_files import BEGUN
from mcoflow.wire.envelope import Envelope
from tests.unit.agent.bench import Bench
from tests.unit.agent.rough import until_exists
from tests.unit.agent.world import AgentWorld, request


class LiveWorld(AgentWorld):
    """The daemon of host web1, whose executions are those of a bench."""

    def __init__(self, path: Path, bench: Bench, **settings: Any) -> None:
        self._bench = bench
        super().__init__(path, **settings)

    def _new_daemon(self) -> AgentDaemon:
        return AgentDaemon(
            self.settings,
            self.bus,
            self._bench.catalogue,
            self._bench.execution,
            {"web1": self.facts},
            clock=self.clock,
            chance=Random(),
        )

    def ask(self, name: str, *, agent: str = "rough", cap: int = 256 * 1024, **changes: Any) -> Envelope:
        """Send a request; what is left over are arguments of the operation."""
        outer = {key: changes.pop(key) for key in ("id", "grace_ms", "timeout_ms") if key in changes}
        envelope = request(name, agent=agent, output_cap=cap, args=changes, **outer)
        self.bus.deliver(envelope)
        return envelope

    def begun_worker(self, asked: Envelope) -> int:
        """Wait until the request's worker has begun; return its process group."""
        until_exists(self.settings.state_dir / "work" / str(asked.id) / BEGUN)
        with sqlite3.connect(self.settings.state_dir / "journal.db") as journal:
            found = journal.execute("SELECT pid FROM requests WHERE id = ?", (asked.id.bytes,)).fetchone()
        return int(found[0])

    def output(self, asked: Envelope) -> list[Any]:
        """Return the chunks so far, those sent again left out."""
        bodies = {reply.body.seq: reply.body for reply in self.bus.replies(asked.id, "output")}
        return [bodies[seq] for seq in sorted(bodies)]

    def text(self, asked: Envelope, *streams: str) -> str:
        """Return what came so far."""
        return "".join(body.text for body in self.output(asked) if not streams or body.stream in streams)
