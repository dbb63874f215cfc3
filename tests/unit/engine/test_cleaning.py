"""Deleting and cleaning: what is saved before it is removed, and what is never removed."""

import json
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from mcoflow.action import FOREVER
from mcoflow.domain.query import CleanPolicy
from mcoflow.domain.states import StepState
from mcoflow.engine.settings import WorldSettings
from mcoflow.errors import (
    BackupError,
    CommandRefusedError,
    PlanNotFoundError,
    QueryError,
    StoreUnavailableError,
)
from tests.unit.engine.house import House
from tests.unit.engine.play import Do, Listen, compose, do, one, play
from tests.waiting import until

OLD = timedelta(days=30)


def ended(house: House, plans: int) -> list[UUID]:
    """Plans that have ended, a month ago."""
    ids = [compose(house, do(f"a{n}")) for n in range(plans)]
    for each in ids:
        house.rest(each)
    house.clock.advance(OLD + timedelta(seconds=1))
    return ids


def saved(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]


def gone(house: House, plan_id: UUID) -> bool:
    try:
        house.store.plan(plan_id)
    except PlanNotFoundError:
        return True
    return False


def test_a_running_plan_cannot_be_deleted_and_a_stopped_one_can(house: House) -> None:
    """E-110: refused; gone with steps, events, timers."""
    play.scripts["a"] = lambda action, event: None if event else action.suspend(patience=FOREVER)
    plan_id = compose(house, one(Listen))
    house.step_when(plan_id, StepState.SUSPENDED)
    with pytest.raises(CommandRefusedError, match="running"):
        house.world.delete(plan_id)
    house.world.halt(plan_id, reason="test")

    house.world.delete(plan_id)

    assert gone(house, plan_id)
    for table in ("plans", "steps", "actions", "blueprints", "history", "timers", "events"):
        assert house.count(table) == 0, table
    with pytest.raises(PlanNotFoundError):
        house.world.delete(plan_id)


def test_who_waits_for_a_plan_that_is_deleted_is_told(house: House) -> None:
    play.scripts["a"] = lambda _action, _event: 1 / 0
    plan_id = compose(house, do("a"))
    house.rest(plan_id)
    house.world.delete(plan_id)

    with pytest.raises(PlanNotFoundError):
        house.world.future(plan_id).wait(timedelta(seconds=10))


def test_old_plans_are_saved_and_removed_and_young_ones_stay(house: House, tmp_path: Path) -> None:
    """E-109: the backup holds them."""
    ids = ended(house, 5)
    young = compose(house, do("b"))
    house.rest(young)
    policy = CleanPolicy(OLD, batch=2, backup_dir=tmp_path / "backup")

    report = house.world.clean(policy)

    assert (report.plans, report.batches) == (5, 3)
    assert all(gone(house, each) for each in ids)
    assert not gone(house, young)
    assert {UUID(each["id"]) for each in saved(tmp_path / "backup")} == set(ids)
    assert all(each["steps"] and each["actions"] and each["history"] for each in saved(tmp_path / "backup"))
    assert report.backup is not None
    assert stat.S_IMODE(report.backup.stat().st_mode) == 0o600
    again = house.world.clean(policy)
    assert (again.plans, again.backup) == (0, None)
    assert len(list((tmp_path / "backup").iterdir())) == 1


def test_a_dry_run_only_counts(house: House, tmp_path: Path) -> None:
    ids = ended(house, 3)

    report = house.world.clean(CleanPolicy(OLD, batch=1, backup_dir=tmp_path / "backup", dry_run=True))

    assert (report.plans, report.batches, report.backup) == (3, 0, None)
    assert not any(gone(house, each) for each in ids)
    assert not (tmp_path / "backup").exists()


def test_what_was_not_removed_when_it_broke_off_is_there_and_what_was_is_saved(
    house: House, tmp_path: Path
) -> None:
    """E-109: killed midway: nothing lost unsaved."""
    ids = ended(house, 4)
    calls = []

    def break_off(*_: object) -> None:
        calls.append(len(saved(tmp_path)))
        if len(calls) == 2:
            raise StoreUnavailableError("gone")

    house.valve.before["delete_plans"] = break_off

    with pytest.raises(StoreUnavailableError):
        house.world.clean(CleanPolicy(OLD, batch=2, backup_dir=tmp_path))

    assert calls == [2, 4]  # each batch was on the disk before it was removed
    removed = {each for each in ids if gone(house, each)}
    assert len(removed) == 2
    assert removed <= {UUID(each["id"]) for each in saved(tmp_path)}


def test_a_backup_that_cannot_be_written_removes_nothing(house: House, tmp_path: Path) -> None:
    ids = ended(house, 1)
    (tmp_path / "file").touch()

    with pytest.raises(BackupError, match="not removed"):
        house.world.clean(CleanPolicy(OLD, backup_dir=tmp_path / "file" / "backup"))

    assert not gone(house, ids[0])


def test_a_policy_is_narrowed_by_fields_and_a_wrong_one_is_refused(house: House) -> None:
    play.scripts["a1"] = lambda action, _event: action.warn("careful")
    one_warned = ended(house, 2)[1]

    with pytest.raises(QueryError, match="no field"):
        house.world.clean(CleanPolicy(OLD, where={"colour": "red"}))
    assert house.world.clean(CleanPolicy(OLD, where={"result": "warning"})).plans == 1

    assert gone(house, one_warned)
    assert house.run(Do, name="b").result == "success"


def test_an_executor_cleans_by_itself_and_goes_on_after_a_failure(empty_house: House, tmp_path: Path) -> None:
    """E-109: periodic, if `cleaning` is set."""
    house = empty_house
    policy = CleanPolicy(OLD, backup_dir=tmp_path / "backup")
    house.another(settings=WorldSettings(cleaning=policy, clean_every=timedelta(milliseconds=20)))
    failed: list[int] = []

    def fail_once(*_: object) -> None:
        if not failed:
            failed.append(1)
            raise StoreUnavailableError("gone")

    house.valve.before["doomed"] = fail_once
    (plan_id,) = ended(house, 1)

    until(lambda: gone(house, plan_id), "it is cleaned away")
    assert failed
    assert [each["id"] for each in saved(tmp_path / "backup")] == [str(plan_id)]
