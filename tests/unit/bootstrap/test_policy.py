"""What doctor and `agent --check` say of policy.toml, and that a bad one stops the agent."""

from pathlib import Path

import pytest

from mcoflow.agent.equip import equip
from mcoflow.bootstrap.inspect_host import policy
from mcoflow.clock import SystemClock
from mcoflow.config import Config, load_config
from mcoflow.errors import ConfigError

RULES = '[[command]]\nargv = ["/bin/df"]\n[file]\nread = ["/srv/**"]\n'


def config(folder: Path, agents: str, text: str | None, mode: int = 0o600) -> Config:
    environ = {"HOME": str(folder), "MCOFLOW_AGENT_AGENTS": agents}
    if text is not None:
        (folder / "policy.toml").write_text(text)
        (folder / "policy.toml").chmod(mode)
        environ["MCOFLOW_AGENT_POLICY"] = str(folder / "policy.toml")
    return load_config(None, environ)


@pytest.mark.parametrize(
    ("agents", "said"),
    [
        ("host,command,file,process", "1 [[command]], reading /srv/**, signals to none"),
        ("host,file", "allows reading /srv/**"),
        ("host", "not needed"),
    ],
)
def test_what_is_allowed_is_told_for_the_agents_that_need_it(tmp_path: Path, agents: str, said: str) -> None:
    found = policy(config(tmp_path, agents, RULES))

    assert found.good
    assert said in found.found


def test_without_a_policy_it_says_that_nothing_is_allowed(tmp_path: Path) -> None:
    found = policy(config(tmp_path, "command", None))

    assert found.good
    assert "no command, no reading of files, no signals" in found.found


@pytest.mark.parametrize(("text", "mode", "said"), [("x", 0o600, "no TOML"), (RULES, 0o666, "chmod go-w")])
def test_a_policy_that_is_wrong_or_open_to_others_is_a_finding_and_stops_the_agent(
    tmp_path: Path, text: str, mode: int, said: str
) -> None:
    """B-051: a bad file mode and a wrong value, with the way out."""
    settings = config(tmp_path, "command", text, mode)

    found = policy(settings)

    assert not found.good
    assert said in found.remedy
    with pytest.raises(ConfigError, match=said):
        equip(settings.agent, SystemClock())
