"""A daemon's parts are put together from its settings."""

from pathlib import Path

from mcoflow.agent.equip import equip
from mcoflow.clock import SystemClock
from mcoflow.config.sections import AgentConfig


def test_the_parts_come_from_the_settings_and_the_facts_tell_of_them(tmp_path: Path) -> None:
    """B-041: an agent that cannot be loaded is told in the facts."""
    config = AgentConfig(
        state_dir=tmp_path, agents=("host", "missing"), provider="fake", init="runit", facts_dir=tmp_path
    )

    parts = equip(config, SystemClock())

    told = parts.facts.read()["mcoflow"]
    assert (told["provider"], told["init"], told["agents"]) == ("fake", "runit", ["host", "missing"])
    assert "missing" in told["broken_agents"][0]
    assert [operation.key for operation in parts.catalogue.operations()] == [
        f"host.{name}" for name in ("agents", "facts", "inventory", "ping", "requests")
    ]
    parts.execution.close()
