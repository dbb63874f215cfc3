"""The files of a new plug-in. `$name` is the agent or provider, `$package` what is installed."""

from collections.abc import Mapping
from string import Template
from typing import Final

from mcoflow.agent.catalogue import GROUP

_PYPROJECT: Final = """\
[build-system]
requires = ["flit_core>=3.9"]
build-backend = "flit_core.buildapi"

[project]
name = "$package"
version = "0.1.0"
description = "The mcoflow $kind $name"
requires-python = ">=3.11"
dependencies = ["mcoflow"]

[project.entry-points."$group"]
$name = "$module:$offered"

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


def agent_files_of(name: str) -> Mapping[str, str]:
    """Return the files of a plug-in for the agent `name`, by their path."""
    return files_of(name, "agent", GROUP, "agent", texts=(_MODULE, _TEST, _README))


def files_of(
    name: str, kind: str, group: str, offered: str, *, texts: tuple[str, str, str]
) -> Mapping[str, str]:
    """Return the files of a plug-in whose module has `offered` as entry point of `group`, by their path.

    `texts` are the templates of its module, its test and its README.
    """
    module = f"mcoflow_{name}"
    values = {"name": name, "kind": kind, "group": group, "offered": offered}
    values |= {"module": module, "package": module.replace("_", "-")}
    paths = ("pyproject.toml", f"{module}.py", f"tests/test_{name}.py", "README.md")
    templates = zip(paths, (_PYPROJECT, *texts), strict=True)
    return {path: Template(text).substitute(values) for path, text in templates}
