"""A process of simulated hosts for the benchmarks: `python -m benchmarks.hosts_process URL COUNT DIR MODE`.

It plays until its standard input closes. MODE is `answer`, or `silent` for hosts that never reply.
"""

import sys
from pathlib import Path
from random import Random

from connectors.choose import agent_connector
from mcoflow.agent.settings import AgentSettings
from mcoflow.agent.simulate import SimulatedHosts, Simulation
from mcoflow.bootstrap.garbage import collect_seldom
from mcoflow.clock import SystemClock
from mcoflow.ports.bus_settings import BusSettings


def main(url: str, count: str, directory: str, mode: str) -> None:
    """Play the hosts."""
    hosts = SimulatedHosts(
        int(count),
        AgentSettings(identity="bench", state_dir=Path(directory)),
        agent_connector(BusSettings(url=url)),
        Simulation(silent=1.0 if mode == "silent" else 0.0),
        clock=SystemClock(),
        chance=Random(1),
    )
    hosts.start()
    collect_seldom()
    sys.stdin.read()
    hosts.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
