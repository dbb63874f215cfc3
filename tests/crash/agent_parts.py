"""The agent of a crash test, on whichever bus."""

import os
from pathlib import Path
from random import Random

from connectors.choose import agent_connector
from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.daemon import AgentDaemon
from mcoflow.agent.facts import Facts
from mcoflow.agent.init_system import InitSystem
from mcoflow.agent.settings import AgentSettings
from mcoflow.agent.work import ENVIRONMENT, SubprocessExecution, WorkerSettings
from mcoflow.clock import SystemClock
from mcoflow.ports.bus_settings import BusSettings


def crash_agent(bus: BusSettings, identity: str, state_dir: str, effects: str) -> AgentDaemon:
    """Return a daemon that offers the plug-in `effects`, whose operations write into that directory."""
    clock = SystemClock()
    facts = Facts(Path(effects, "facts.d"), {})
    catalogue = LoadedCatalogue(("host", "effects"))
    faults = {name: os.environ[name] for name in ("MCOFLOW_FAULTS", "MCOFLOW_TESTING") if name in os.environ}
    workers = WorkerSettings(
        provider="fake",
        init=InitSystem.SYSVINIT,
        facts_dir=Path(effects, "facts.d"),
        environment={**ENVIRONMENT, **faults, "EFFECTS_DIR": effects, "PYTHONPATH": effects},
    )
    return AgentDaemon(
        AgentSettings(identity=identity, state_dir=Path(state_dir)),
        agent_connector(bus),
        catalogue,
        SubprocessExecution(catalogue, workers, facts, clock),
        {identity: facts},
        clock=clock,
        chance=Random(),
    )
