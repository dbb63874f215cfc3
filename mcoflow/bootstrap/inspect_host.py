"""What the agent finds on this machine."""

import os
import shutil
from collections.abc import Iterator, Sequence

from mcoflow.bootstrap.finding import Finding
from mcoflow.config import Config
from mcoflow.errors import ConfigError


def machine(config: Config) -> Iterator[Finding]:
    """Package manager, init system, rights, and the place of the journal."""
    from mcoflow.agent.init_system import InitSystem, chosen_init

    yield _packages(config)
    init = chosen_init(config.agent.init)
    known = init is not InitSystem.NONE
    yield Finding("services", known, str(init), "" if known else "services cannot be restarted here")
    root = os.geteuid() == 0
    remedy = "" if root else "packages and services need root: start the agent as root"
    yield Finding("rights", root, "root" if root else f"user {os.geteuid()}", remedy)
    yield _state_dir(config)


def _packages(config: Config) -> Finding:
    """What manages packages: apt, or a provider plug-in, which has to be installed."""
    from mcoflow.agent.providers.plugged import BUILT_IN, check_provider

    if (name := config.agent.provider) not in BUILT_IN:
        try:
            check_provider(name)
        except ConfigError as error:
            return Finding("packages", False, name, str(error))
        return Finding("packages", True, f"the provider {name}")
    apt = shutil.which("apt-get")
    remedy = "" if apt else "only Debian's apt is built in: install a provider plug-in, set [agent] provider"
    return Finding("packages", bool(apt), apt or "no apt-get", remedy)


def _state_dir(config: Config) -> Finding:
    """Whether the agent's journal can be kept where the settings say; nothing is made."""
    path = config.agent.state_dir
    nearest = next(each for each in (path, *path.parents) if each.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        return Finding("journal", False, f"{nearest} cannot be written", "set [agent] state_dir, or chown it")
    return Finding("journal", True, str(path))


def policy(config: Config) -> Finding:
    """What policy.toml allows the agents that need it; a file that is not believed stops the agent."""
    from mcoflow.agent.policy_file import read_policy

    path = config.agent.policy
    try:
        found = read_policy(path, required="policy" in config.agent.model_fields_set)
    except ConfigError as error:
        return Finding("policy", False, str(path), str(error))
    said = {
        "command": f"{len(found.command)} [[command]]",
        "file": f"reading {_listed(found.file.read)}",
        "process": f"signals to {_listed(found.process.signal)}",
    }
    needed = [words for agent, words in said.items() if agent in config.agent.agents]
    if not needed:
        return Finding("policy", True, "not needed: none of command, file, process is in [agent] agents")
    if not path.exists():
        return Finding("policy", True, f"there is no {path}: no command, no reading of files, no signals")
    return Finding("policy", True, f"{path} allows {', '.join(needed)}")


def _listed(patterns: Sequence[str]) -> str:
    return " ".join(patterns) or "none"


def plugins(config: Config) -> Finding:
    """Whether the agents named in the settings can be loaded."""
    from mcoflow.agent.catalogue import LoadedCatalogue

    broken = LoadedCatalogue(config.agent.agents).broken()
    if broken:
        return Finding("plug-ins", False, "; ".join(broken), "mend them, or take them out of [agent] agents")
    return Finding("plug-ins", True, ", ".join(config.agent.agents))
