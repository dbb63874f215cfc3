"""The agent of a host that offers the plug-in `rough`, as a process: URL, prefix, folder, name."""

import sys
from pathlib import Path
from random import Random

from connectors.choose import agent_connector
from mcoflow.agent.daemon import AgentDaemon
from mcoflow.agent.facts import Facts
from mcoflow.agent.settings import AgentSettings
from mcoflow.clock import SystemClock
from mcoflow.ports.bus_settings import BusSettings
from tests.crash.serving import serve
from tests.unit.agent.bench import bench


def main(url: str, prefix: str, folder: str, identity: str) -> None:
    """Run until TERM."""
    home = Path(folder)
    with bench(home, ["host", "rough"], site=home / "site") as made:
        facts = Facts(home / "facts.d", {})
        bus = agent_connector(BusSettings(url=url, prefix=prefix))
        settings = AgentSettings(identity=identity, state_dir=home / "state")
        serve(
            AgentDaemon(
                settings,
                bus,
                made.catalogue,
                made.execution,
                {identity: facts},
                clock=SystemClock(),
                chance=Random(),
            )
        )


main(*sys.argv[1:])
