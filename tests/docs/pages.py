"""The Python of a how-to page, run as the modules that it shows."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

HOW_TO: Final = Path(__file__).parents[2] / "docs" / "how-to"


def blocks(page: str, language: str = "python") -> list[str]:
    """Return the blocks of code in a language."""
    return re.findall(rf"```{language}\n(.*?)```", (HOW_TO / f"{page}.md").read_text(), re.DOTALL)


def run(page: str, **given: Any) -> Mapping[str, Any]:
    """Run the Python blocks of a page, one after another, in one namespace; return what it holds."""
    names: dict[str, Any] = {"__name__": f"docs.{page.replace('-', '_')}", **given}
    for block in blocks(page):
        exec(compile(block, f"{page}.md", "exec"), names)
    return names
