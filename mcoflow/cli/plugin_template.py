"""The files of a new agent plug-in. `$name` is the agent, `$package` what is installed."""

from collections.abc import Mapping
from string import Template
from typing import Final

_PYPROJECT: Final = """\
[build-system]
requires = ["flit_core>=3.9"]
build-backend = "flit_core.buildapi"

[project]
name = "$package"
version = "0.1.0"
description = "The mcoflow agent $name"
requires-python = ">=3.11"
dependencies = ["mcoflow"]

[project.entry-points."mcoflow.agents"]
$name = "$module:agent"

[tool.flit.module]
name = "$module"
"""

_MODULE: Final = '''\
"""The mcoflow agent `$name`."""

from pathlib import Path
from typing import Annotated

from mcoflow.agent.operations import Agent, Strict
from mcoflow.errors import OperationFailedError
from pydantic import Field


class Folder(Strict):
    """What the operation takes; every text and list needs a greatest length."""

    folder: Annotated[str, Field(pattern=r"^/[^\\x00]*$$", max_length=4096, examples=["/tmp"])]


class Count(Strict):
    """What it returns."""

    files: int


agent = Agent("$name")


@agent.operation(summary="Count the files in a folder", idempotent=True, changes=False)
def count(given: Folder) -> Count:
    """Count plain files; what lies deeper is not counted."""
    try:
        return Count(files=sum(each.is_file() for each in Path(given.folder).iterdir()))
    except OSError as error:
        raise OperationFailedError("unreadable", f"{given.folder}: {error.strerror}") from error
'''

_TEST: Final = '''\
"""The operations of the agent `$name`."""

import pytest
from mcoflow.agent.execution import RefusedError
from mcoflow.errors import OperationFailedError
from mcoflow.testing import perform

from $module import agent


def test_files_are_counted(tmp_path):
    (tmp_path / "one").touch()
    (tmp_path / "folder").mkdir()

    assert perform(agent, "count", {"folder": str(tmp_path)}) == {"files": 1}


def test_a_folder_that_is_not_there_is_a_failure(tmp_path):
    with pytest.raises(OperationFailedError, match="No such file"):
        perform(agent, "count", {"folder": str(tmp_path / "missing")})


def test_a_relative_path_is_refused():
    with pytest.raises(RefusedError, match="folder"):
        perform(agent, "count", {"folder": "tmp"})
'''

_README: Final = """\
# $package

The mcoflow agent `$name`. Try it: `pip install -e .` and `pytest`.

On a host: install it into the environment of `mcoflow agent`, add `$name` to `agents` in section `[agent]`
of broker.cfg, and start the agent again. Then `mcoflow run $name.count --host HOST --set folder=/etc --wait`.
"""


def files_of(name: str) -> Mapping[str, str]:
    """Return the files of a plug-in for the agent `name`, by their path."""
    module = f"mcoflow_{name}"
    values = {"name": name, "module": module, "package": module.replace("_", "-")}
    templates = {
        "pyproject.toml": _PYPROJECT,
        f"{module}.py": _MODULE,
        f"tests/test_{name}.py": _TEST,
        "README.md": _README,
    }
    return {path: Template(text).substitute(values) for path, text in templates.items()}
