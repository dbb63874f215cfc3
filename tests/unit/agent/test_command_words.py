"""Words meant to do harm against the patterns of policy.toml, and what of them reaches a program."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.execution import RefusedError
from mcoflow.agent.operations import Context
from mcoflow.agent.policy_file import PolicyFile
from tests.unit.agent.tool_trap import hostile_names, recorded, set_trap

NAMES = 5_000
RUN_EACH = 7
"""Of so many that are allowed one is really run: each is a process."""
POLICY = """
[[command]]
argv = ["{tool}", "named", "name-*"]
env = ["TRAP_LOG"]

[[command]]
argv = ["{tool}", "word", "*"]
env = ["TRAP_LOG"]

[[command]]
argv = ["{tool}", "below", "/srv/**"]
env = ["TRAP_LOG"]

[[command]]
argv = ["{tool}", "option", "--file=/srv/*"]
env = ["TRAP_LOG"]
"""
PLAIN = re.compile(r"[A-Za-z0-9+_@:]+")


def _is_one_word(text: str) -> bool:
    return not text.startswith("-") and not {"/", "\n", "\0"} & set(text) and text != ".."


def _is_below(text: str) -> bool:
    return not {"\n", "\0"} & set(text) and f"{os.path.normpath(text)}/".startswith("/srv/")


def _is_in(text: str) -> bool:
    return os.path.dirname(os.path.normpath(f"{text}.")) == "/srv" or os.path.normpath(text) == "/srv"  # noqa: PTH120


SHAPES: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "named": ("name-", lambda text: text.startswith("name-") and _is_one_word(text)),
    "word": ("", _is_one_word),
    "below": ("/srv/", _is_below),
    "option": ("--file=/srv/", lambda text: _is_below(text[7:]) and _is_in(text[7:])),
}
"""What is put before a hostile name, and what is allowed: told otherwise than by patterns."""


class Host:
    """The agent `command` with its policy, in this process."""

    def __init__(self, folder: Path) -> None:
        self.tool = str(set_trap(folder / "bin", {"tool": "exit 0\n"}) / "tool")
        self.log = folder / "argv"
        policy = folder / "policy.toml"
        policy.write_text(POLICY.replace("{tool}", self.tool))
        policy.chmod(0o600)
        self.catalogue = LoadedCatalogue(["command"], PolicyFile(policy))
        self._run = self.catalogue.declared("command", "run")

    def allows(self, *words: str) -> bool:
        """Ask as the daemon does."""
        args = self._args(words)
        try:
            self._run.check_input(args)
            self.catalogue.permit(self._run.operation, args)
        except RefusedError:
            return False
        return True

    def run(self, *words: str) -> None:
        """Run it as a worker does, which looks at the policy once more."""
        context = Context(
            host="web1",
            check=False,
            packages=_none,
            services=_none,
            facts=dict,
            policy=self.catalogue.policy,
        )
        self._run.perform(self._args(words), context)

    def _args(self, words: tuple[str, ...]) -> dict[str, Any]:
        return {"argv": [self.tool, *words], "env": {"TRAP_LOG": str(self.log)}}


def _none() -> Any:
    raise AssertionError("a command needs no provider")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path)
    yield made
    made.log.unlink(missing_ok=True)


def test_5000_hostile_words_reach_no_program_outside_the_patterns(host: Host) -> None:
    """B-055, S-006: what a star stands for is no option, no step up, no other folder; words stay words."""
    names = [*hostile_names(NAMES), *("..", "../x", "a/../../b", "-", "--", "a/..", ".../x")]
    allowed = [
        (verb, before + name)
        for name in names
        for verb, (before, _) in SHAPES.items()
        if host.allows(verb, before + name)
    ]

    assert [word for verb, word in allowed if not SHAPES[verb][1](word)] == []
    plain = {name for name in names if PLAIN.fullmatch(name)}
    assert len(plain) > 50
    assert {(verb, before + name) for name in plain for verb, (before, _) in SHAPES.items()} <= set(allowed)
    offered = allowed[::RUN_EACH]
    for words in offered:
        host.run(*words)
    assert recorded(host.log) == [["tool", *words] for words in offered]


def test_5000_hostile_words_make_no_other_command(host: Host) -> None:
    """B-055: not in the place of a constant word, of the program, or behind the last."""
    for name in hostile_names(NAMES, seed=2):
        if name not in SHAPES:
            assert not host.allows(name, "x")
        assert not host.allows("word", "x", name)
        assert not host.allows(f"word {name}", "x")

    assert not host.allows()
    assert not host.allows("word")
