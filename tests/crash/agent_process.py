"""The agent of a crash test as a process: URL, prefix of names, state directory, directory of effects."""

import sys
from pathlib import Path
from random import Random

from connectors.amqp import AmqpAgentConnector
from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.daemon import AgentDaemon
from mcoflow.agent.facts import Facts
from mcoflow.agent.init_system import InitSystem
from mcoflow.agent.process import serve
from mcoflow.agent.settings import AgentSettings
from mcoflow.agent.work import ENVIRONMENT, SubprocessExecution, WorkerSettings
from mcoflow.clock import SystemClock


def main() -> None:
    """Run until TERM, or until killed."""
    url, prefix, state_dir, effects = sys.argv[1:]
    clock = SystemClock()
    facts = Facts(Path(effects, "facts.d"), {})
    catalogue = LoadedCatalogue(("host", "effects"))
    workers = WorkerSettings(
        provider="fake",
        init=InitSystem.SYSVINIT,
        facts_dir=Path(effects, "facts.d"),
        environment={**ENVIRONMENT, "EFFECTS_DIR": effects, "PYTHONPATH": effects},
    )
    serve(
        AgentDaemon(
            AgentSettings(identity="web1", state_dir=Path(state_dir)),
            AmqpAgentConnector(url, prefix=prefix),
            catalogue,
            SubprocessExecution(catalogue, workers, facts, clock),
            {"web1": facts},
            clock=clock,
            chance=Random(),
        )
    )


main()
