"""Planning that is only looked at: nothing of it is kept, here or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest

from mcoflow.action import Action
from mcoflow.action.chain import Chains
from mcoflow.domain.states import PlanState
from mcoflow.engine.planner import make_plan


class Ledger:
    """A database of the user's: `kept` is what was committed."""

    def __init__(self) -> None:
        self.kept: list[str] = []

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit, or roll back."""
        before = list(self.kept)
        try:
            yield
        except BaseException:
            self.kept[:] = before
            raise


LEDGER = Ledger()


class Book(Action):
    """Write into the ledger while it is planned."""

    name = "rehearsing.book"

    def plan(self) -> None:
        """Write."""
        LEDGER.kept.append("booked")
        self.plan_self()

    def run(self) -> None:
        """Nothing."""


@pytest.mark.parametrize(("rehearsed", "kept"), [(True, []), (False, ["booked"])])
def test_what_plan_methods_write_is_rolled_back(rehearsed: bool, kept: list[str]) -> None:
    """The user's transaction, too."""
    LEDGER.kept.clear()

    draft = make_plan(
        Book, {}, plan_id=uuid4(), user="", now=0.0, chains=Chains(transaction=LEDGER), rehearsed=rehearsed
    )

    assert draft.plan.state is PlanState.PLANNED
    assert len(draft.steps) == 2
    assert LEDGER.kept == kept
