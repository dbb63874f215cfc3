"""What a real host's daemon is equipped with, from its settings: operations, execution side, facts."""

import os
import platform
from dataclasses import dataclass

from mcoflow import __version__
from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.facts import Facts
from mcoflow.agent.init_system import chosen_init
from mcoflow.agent.ledger import Ledger
from mcoflow.agent.policy_file import PolicyFile
from mcoflow.agent.providers.plugged import check_provider
from mcoflow.agent.work import SubprocessExecution, WorkerSettings
from mcoflow.clock import Clock
from mcoflow.config.sections import AgentConfig


@dataclass(frozen=True, slots=True)
class Equipment:
    """The parts that an AgentDaemon is given besides its connector."""

    catalogue: LoadedCatalogue
    execution: SubprocessExecution
    facts: Facts
    ledger: Ledger


def equip(config: AgentConfig, clock: Clock) -> Equipment:
    """Load the agents named in the settings, find the init system, and put the parts together.

    Raises:
        ConfigError: the policy file is wrong, or others may write it; no such provider is installed.
    """
    check_provider(config.provider)
    init = chosen_init(config.init)
    policy = PolicyFile(config.policy, required="policy" in config.model_fields_set)
    catalogue = LoadedCatalogue(config.agents, policy)
    own = {
        "version": __version__,
        "python": platform.python_version(),
        "agents": list(config.agents),
        "broken_agents": list(catalogue.broken()),
        "provider": config.provider,
        "init": init.value,
        "root": os.geteuid() == 0,
    }
    facts = Facts(config.facts_dir, own)
    settings = WorkerSettings(provider=config.provider, init=init, facts_dir=config.facts_dir)
    ledger = Ledger()
    execution = SubprocessExecution(catalogue, settings, facts, clock, ledger)
    return Equipment(catalogue, execution, facts, ledger)
