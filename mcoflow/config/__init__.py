"""Settings: broker.cfg and the environment, read once into frozen models."""

from mcoflow.config.load import load_config
from mcoflow.config.sections import AgentConfig, BrokerConfig, Config, ServerConfig, WebConfig
from mcoflow.config.values import Listener, masked

__all__ = [
    "AgentConfig",
    "BrokerConfig",
    "Config",
    "Listener",
    "ServerConfig",
    "WebConfig",
    "load_config",
    "masked",
]
