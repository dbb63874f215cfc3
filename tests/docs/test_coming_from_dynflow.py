"""What the page for those who come from Dynflow says is here, is here."""

import re
from pathlib import Path

import mcoflow.action
import mcoflow.engine.handles
import mcoflow.testing
from mcoflow.action import Action
from mcoflow.engine.world import World

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "coming-from-dynflow.md"


def ours() -> list[str]:
    """The code in the middle column of the tables: our names."""
    rows = [line.split("|") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return [code for row in rows for code in re.findall(r"`([^`]+)`", row[2])]


def test_every_method_of_the_world_and_of_actions_exists() -> None:
    named = set(re.findall(r"\b(world|self)\.(\w+)", " ".join(ours())))

    assert len(named) >= 20
    for where, name in named:
        assert hasattr(World if where == "world" else Action, name) or name == "output", f"{where}.{name}"


def test_every_class_exists() -> None:
    names = {name for code in ours() for name in re.findall(r"^([A-Z]\w+)(?=$|\(|\.)", code)}
    homes = (mcoflow.action, mcoflow.engine.handles, mcoflow.testing)

    missing = {name for name in names if not any(hasattr(home, name) for home in homes)}

    assert len(names) > 8
    assert missing == {"Store", "Input", "Output"}  # a port, and what authors write
