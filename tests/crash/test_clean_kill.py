"""Killed while old tasks are removed: what is gone is in the backup."""

import json
import os
import signal
import subprocess
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from mcoflow.clock import SystemClock
from mcoflow.domain.states import PlanState
from mcoflow.storage import SqlStore, open_store
from mcoflow.testing.contracts.samples import draft, stored
from tests.crash import points
from tests.stories.processes import MCOFLOW, write_settings

PLANS = 2500  #: two full batches, and a part of a third


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    return write_settings(tmp_path / "broker.cfg", {"server": {"state_dir": tmp_path / "state"}})


def old_plans(store: SqlStore) -> set[UUID]:
    made = [draft(state=PlanState.STOPPED) for _ in range(PLANS)]
    for number, each in enumerate(made):
        each.plan.ended_at = float(number)
    return set(stored(store, *made))


def clean(settings: Path, backup: Path, *, fault: str = "") -> int:
    words = ("task", "clean", "--older-than", "30d", "--backup", str(backup), "--config", str(settings))
    environ = {**os.environ, "MCOFLOW_TESTING": "1", "MCOFLOW_FAULTS": fault}
    return subprocess.run([MCOFLOW, *words], env=environ, check=False, timeout=120).returncode


@pytest.mark.parametrize("batch", [1, 2])
def test_killed_between_the_backup_and_the_delete_nothing_is_lost_unsaved(
    settings: Path, tmp_path: Path, batch: int
) -> None:
    """E-109: killed midway; cleaning again removes the rest."""
    (tmp_path / "state").mkdir(exist_ok=True)
    with closing(open_store(f"sqlite:///{tmp_path}/state/mcoflow.db", SystemClock())) as store:
        plans = old_plans(store)

        assert (
            clean(settings, tmp_path / "backup", fault=f"{points.CLEANING}:kill:{batch}") == -signal.SIGKILL
        )

        left = set(store.versions(plans))
        saved = {UUID(json.loads(line)["id"]) for line in lines(tmp_path / "backup")}
        assert len(left) == PLANS - 1000 * (batch - 1)
        assert plans - left <= saved
        assert len(saved) == 1000 * batch
        assert clean(settings, tmp_path / "backup") == 0
        assert store.count_where({}) == 0
        assert {UUID(json.loads(line)["id"]) for line in lines(tmp_path / "backup")} == plans


def lines(folder: Path) -> list[str]:
    return [line for file in folder.iterdir() for line in file.read_text().splitlines()]
