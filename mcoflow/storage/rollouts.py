"""How rollouts are stored: as planned with the graph, and how far they are with the plan."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mcoflow.domain.rollout import Branches, Rollout, RolloutRecord, Tally
from mcoflow.storage.texts import from_json, to_json


def branches_stored(planned: Branches) -> list[Any]:
    """Return a planned rollout as JSON values."""
    return [planned.how.as_json(), planned.firsts, planned.lasts]


def branches_of(stored: list[Any]) -> Branches:
    """Undo branches_stored."""
    how, firsts, lasts = stored
    return Branches(Rollout.from_json(how), tuple(firsts), tuple(lasts))


def rollout_text(record: RolloutRecord | None) -> str | None:
    """Return how far the rollouts of a plan are as JSON, None if it has none."""
    if record is None:
        return None
    return to_json({"tallies": list(map(_told, record.tallies)), "pause": record.pause_after_wave})


def _told(tally: Tally) -> dict[str, Any]:
    """Return a tally as JSON values; an executor of an earlier release knows of no warned hosts."""
    values = asdict(tally)
    return values if tally.warned else {key: value for key, value in values.items() if key != "warned"}


def rollout_of(text: str) -> RolloutRecord:
    """Undo rollout_text."""
    stored = from_json(text)
    return RolloutRecord(tuple(Tally(**each) for each in stored["tallies"]), stored["pause"])
