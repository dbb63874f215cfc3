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
    return to_json({"tallies": list(map(asdict, record.tallies)), "pause": record.pause_after_wave})


def rollout_of(text: str) -> RolloutRecord:
    """Undo rollout_text."""
    stored = from_json(text)
    return RolloutRecord(tuple(Tally(**each) for each in stored["tallies"]), stored["pause"])
