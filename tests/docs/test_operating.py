"""The pages about operating tasks are tried as they stand: their code runs, and prints what they say."""

import re
from pathlib import Path
from typing import Any

import pytest

from mcoflow.cli.root import root
from tests.unit.engine.house import House

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
OPERATING = ("pause-and-stop-a-task", "rescue-a-failed-task", "find-and-clean-tasks", "look-after-executors")


def text_of(page: str) -> str:
    return (PAGES / f"{page}.md").read_text()


@pytest.mark.parametrize("page", OPERATING)
def test_the_code_of_the_page_prints_what_the_page_says(
    page: str, house: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {"world": house.world, "folder": tmp_path, "__name__": f"docs.{page}"}
    code = re.findall(r"```python\n(.*?)```", text_of(page), re.DOTALL)
    for block in code:
        exec(compile(block, page, "exec"), names)

    shown = "".join(re.findall(r"```text\n(.*?)```", text_of(page), re.DOTALL))
    assert capsys.readouterr().out == shown
    assert code


@pytest.mark.parametrize("page", OPERATING)
def test_the_commands_of_the_page_are_there(page: str) -> None:
    tasks = root.commands["task"].commands  # type: ignore[attr-defined]

    for name in re.findall(r"mcoflow task (\w+)", text_of(page)):
        assert name in tasks
