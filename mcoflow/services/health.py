"""What is wrong with the system as a whole, in words and as checks."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from mcoflow.errors import StoreError
from mcoflow.ports.bus import Link
from mcoflow.ports.engine import Engine
from mcoflow.ports.store import Reader
from mcoflow.services.times import certain_moment
from mcoflow.services.views import ExecutorView, Notice

NOTICES: Final[Mapping[str, str]] = {
    "executor": "No executor is alive: tasks wait.",
    "bus": "Bus not reachable: requests are queued.",
    "store": "Database away: nothing can be read or stored.",
}


class Health:
    """The checks behind `/readyz`, and behind the notices on pages."""

    def __init__(self, engine: Engine, reader: Reader, broken_actions: Sequence[str] = ()) -> None:
        self._engine, self._reader, self._broken_actions = engine, reader, broken_actions

    def checks(self) -> Mapping[str, str]:
        """Return `ok` or what is wrong for store, schema, bus and executor."""
        store = self._store()
        return {
            "store": store,
            "schema": "ok" if store == "ok" else "not checked: the store is away",
            "bus": self._bus(),
            "executor": self._executor() if store == "ok" else "not checked: the store is away",
        }

    def notices(self) -> Sequence[Notice]:
        """Return what everybody should know now; two reads at most."""
        wrong = [name for name, found in self.checks().items() if found != "ok" and name in NOTICES]
        if "store" in wrong:
            return [Notice("store", NOTICES["store"])]
        broken = [Notice("actions", reason) for reason in self._broken_actions]
        return [Notice(name, NOTICES[name]) for name in wrong] + broken

    def executors(self) -> Sequence[ExecutorView]:
        """Return the executors that the database knows; those that ended in good order it has forgotten."""
        found = (world for world in self._reader.worlds() if world.kind == "executor")
        return [
            ExecutorView(_process(world.meta), certain_moment(world.seen_at), world.alive) for world in found
        ]

    def _store(self) -> str:
        try:
            self._reader.now()
        except StoreError as error:
            return str(error)
        return "ok"

    def _bus(self) -> str:
        report = self._engine.link()
        if report.link is Link.UP:
            return "ok"
        return f"{report.link}: {report.why}" if report.why else str(report.link)

    def _executor(self) -> str:
        return "ok" if self._engine.executors_alive() else "none is alive"


def _process(meta: Mapping[str, Any]) -> str:
    return f"pid {meta.get('pid', 'unknown')} on {meta.get('hostname', 'an unknown machine')}"
