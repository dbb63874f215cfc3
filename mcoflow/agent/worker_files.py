"""The files between agent and worker, in the directory of one job: order, mark of the start, result."""

import os
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from mcoflow.agent.execution import Done
from mcoflow.agent.init_system import InitSystem
from mcoflow.agent.policy import Policy

GO: Final = b"g"
"""The word that a waiting worker reads from its input."""
STDERR: Final = "stderr"
"""What the interpreter says before the worker catches its own output, or when it crashes."""
BEGUN: Final = "begun"
"""Exists once the operation may have had an effect."""

_DONE: Final = TypeAdapter(Done)


class Order(BaseModel):
    """What a worker is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operation: str
    args: dict[str, Any]
    check: bool
    host: str
    run: int
    output_cap: int
    provider: str
    init: InitSystem
    facts_dir: Path
    lock_timeout: float
    policy: Policy = Policy()


def write_order(directory: Path, order: Order) -> None:
    """Make the job's directory, for its owner only, and put the order in."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    (directory / BEGUN).unlink(missing_ok=True)
    (directory / "job.json").write_text(order.model_dump_json(), encoding="utf-8")


def read_order(directory: Path) -> Order:
    """Read the order."""
    return Order.model_validate_json((directory / "job.json").read_bytes())


def write_result(directory: Path, run: int, done: Done) -> None:
    """Put the result in place so that it is whole or absent, also after a power failure."""
    path = _result(directory, run)
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        file.write(_DONE.dump_json(done))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    _sync(directory)


def read_result(directory: Path, run: int) -> Done | None:
    """Return the result of this run, None if there is none that is whole."""
    try:
        return _DONE.validate_json(_result(directory, run).read_bytes())
    except (OSError, ValidationError):
        return None


def _result(directory: Path, run: int) -> Path:
    return directory / f"result-{run}.json"


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
