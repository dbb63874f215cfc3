"""The gauges of the database."""

from datetime import timedelta

from mcoflow.domain.states import PlanState
from mcoflow.errors import StoreUnavailableError
from mcoflow.ports import measures as m
from mcoflow.ports.backlog import Backlog
from mcoflow.telemetry import BacklogGauges
from mcoflow.testing import ManagedClock

FOUND = Backlog(
    {"running": 2, "stopped": 9}, without_owner=1, outbox=4, outbox_oldest=None, inbox=3, timers=5
)


class Answers:
    """A reader that counts how often it is asked, and may be away."""

    def __init__(self, backlog: Backlog = FOUND) -> None:
        self.found, self.asked, self.away = backlog, 0, False

    def backlog(self) -> Backlog:
        """See Reader.backlog."""
        self.asked += 1
        if self.away:
            raise StoreUnavailableError("the database is away")
        return self.found


def test_every_state_of_plans_is_shown_even_if_none_is_in_it() -> None:
    gauges = dict(BacklogGauges(Answers(), ManagedClock())())  # type: ignore[arg-type]

    assert {key[1]: value for key, value in gauges.items() if key[0] is m.PLANS} == {
        **dict.fromkeys(PlanState, 0),
        "running": 2,
        "stopped": 9,
    }
    assert gauges[m.PLANS_WITHOUT_OWNER,] == 1
    assert gauges[m.OUTBOX_ROWS,] == 4
    assert gauges[m.OUTBOX_OLDEST,] == 0.0
    assert gauges[m.INBOX_ROWS,] == 3
    assert gauges[m.TIMERS,] == 5


def test_the_age_of_the_oldest_request_is_that_of_now() -> None:
    clock = ManagedClock()
    made = clock.now().timestamp()
    source = BacklogGauges(Answers(Backlog({}, 0, 1, made, 0, 0)), clock)  # type: ignore[arg-type]
    clock.advance(timedelta(seconds=42))

    assert dict(source())[m.OUTBOX_OLDEST,] == 42


def test_whoever_asks_often_does_not_burden_the_database() -> None:
    answers, clock = Answers(), ManagedClock()
    source = BacklogGauges(answers, clock)  # type: ignore[arg-type]

    for _ in range(10):
        source()
    assert answers.asked == 1
    clock.advance(timedelta(seconds=6))
    source()
    assert answers.asked == 2


def test_while_the_database_is_away_there_are_no_gauges_of_it() -> None:
    answers, clock = Answers(), ManagedClock()
    source = BacklogGauges(answers, clock)  # type: ignore[arg-type]
    assert source()
    answers.away = True
    clock.advance(timedelta(seconds=6))

    assert source() == []
    answers.away = False
    clock.advance(timedelta(seconds=6))
    assert source()
