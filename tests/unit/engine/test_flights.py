"""What each message and each deadline means for a request under way. Pure."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.requests import RequestRecord, RequestState, Wait
from mcoflow.engine.flights import Flights, Next
from mcoflow.testing.hosts import progress, result
from mcoflow.wire.messages import Work


def flight(**fields: Any) -> tuple[Flights, RequestRecord]:
    """One open request: pickup by 100, then 50 s to run, 10 s of grace."""
    record = RequestRecord(
        id=uuid4(),
        plan_id=uuid4(),
        step_id=1,
        attempt=1,
        host="web1",
        reply_to="x-abcdefghijkl",
        body=b"",
        created_at=0.0,
        wait=Wait.PICKUP,
        due_at=100.0,
        run_limit=50.0,
        grace=10.0,
        **fields,
    )
    flights = Flights()
    flights.add([record])
    return flights, record


def end_of(flights: Flights, record: RequestRecord, follows: Next) -> Outcome:
    assert follows.ended is not None
    assert record.id not in flights.open
    assert flights.changed[record.id].state is RequestState.ENDED
    assert record.outcome is follows.ended.outcome
    return follows.ended.outcome


def overdue(flights: Flights, record: RequestRecord, *, up_since: float | None = 0.0) -> Next:
    """Let time pass until the deadline."""
    return flights.overdue(record, record.due_at, up_since=up_since)


def test_pickup_then_cancel_then_not_picked_up() -> None:
    """B-026: not picked up."""
    flights, record = flight()

    assert overdue(flights, record) == Next(send="cancel")
    assert (record.wait, record.cancel, record.due_at) == (Wait.CANCEL, "pickup", 105.0)
    assert end_of(flights, record, overdue(flights, record)) is Outcome.NOT_PICKED_UP


def test_a_query_of_before_the_link_came_up_counts_for_nothing() -> None:
    """B-028: it may not even have been sent."""
    flights, record = flight()
    flights.accepted(record, 5.0)
    overdue(flights, record)
    overdue(flights, record)
    asked_at = record.due_at - 10.0

    assert overdue(flights, record, up_since=asked_at + 1.0) == Next(send="query")
    assert overdue(flights, record, up_since=None) == Next(send="query")
    assert end_of(flights, record, overdue(flights, record, up_since=asked_at + 1.0)) is Outcome.LOST


def test_a_kill_after_a_cancel_has_its_time_anew_and_a_second_one_ends_it() -> None:
    """B-044: the agent has its grace to end it, and then some seconds to say so."""
    flights, record = flight()
    flights.accepted(record, 5.0)
    flights.cancel(record, "cancel", 6.0)

    assert flights.cancel(record, "kill", 10.0) == Next(send="cancel")
    assert (record.wait, record.cancel, record.due_at) == (Wait.CANCEL, "kill", 30.0)
    assert end_of(flights, record, flights.cancel(record, "kill", 11.0)) is Outcome.LOST


@pytest.mark.parametrize("after", ["", "cancel"])
def test_what_was_killed_by_people_was_cancelled(after: str) -> None:
    """B-044: the word; a cancel after the kill enforces the end as after a cancel."""
    flights, record = flight()
    flights.accepted(record, 5.0)
    if after:
        flights.cancel(record, after, 6.0)
    flights.cancel(record, "kill", 7.0)

    assert end_of(flights, record, flights.result(record, result(outcome="killed"), 8.0)) is (
        Outcome.CANCELLED_KILLED
    )


def test_silence_then_two_queries_then_lost() -> None:
    """B-026: lost."""
    flights, record = flight()
    flights.accepted(record, 5.0)

    assert record.due_at == 95.0
    assert overdue(flights, record) == Next(send="query")
    assert overdue(flights, record) == Next(send="query")
    follows = overdue(flights, record)
    assert end_of(flights, record, follows) is Outcome.LOST
    assert follows.ended is not None
    assert follows.ended.error == "lost (no answer to two queries)"


def test_the_run_deadline_counts_from_the_first_executing_and_no_progress_moves_it() -> None:
    """B-028: `progress` moves none."""
    flights, record = flight()
    flights.progress(record, progress(), 10.0)
    assert record.run_due_at == 10 + 50 + 10 + 30
    for now in (30.0, 60.0, 99.0):
        flights.progress(record, progress(), now)

    assert (record.run_due_at, record.due_at) == (100.0, 100.0)
    assert overdue(flights, record) == Next(send="cancel")
    assert record.cancel == "timeout"


@pytest.mark.parametrize("state", [Work.EXECUTING, Work.STOPPING])
def test_an_agent_that_works_on_past_deadline_and_cancel_is_still_running(
    state: Work,
) -> None:
    """B-026: timed out, still running."""
    flights, record = flight()
    flights.progress(record, progress(), 0.0)
    record.due_at = 90.0
    assert overdue(flights, record).send == "cancel"
    flights.progress(record, progress(state), 91.0)
    assert overdue(flights, record).send == "query"

    assert end_of(flights, record, flights.progress(record, progress(state), 105.0)) is (
        Outcome.TIMED_OUT_STILL_RUNNING
    )


@pytest.mark.parametrize(
    ("cancelled_for", "word", "outcome"),
    [
        ("", "killed", Outcome.TIMED_OUT_KILLED),
        ("timeout", "killed", Outcome.TIMED_OUT_KILLED),
        ("cancel", "killed", Outcome.CANCELLED_KILLED),
        ("cancel", "cancelled", Outcome.CANCELLED),
        ("pickup", "cancelled", Outcome.NOT_PICKED_UP),
        ("cancel", "ok", Outcome.OK),
        ("cancel", "failed", Outcome.FAILED),
    ],
)
def test_what_the_agents_word_means_depends_on_what_it_was_told(
    cancelled_for: str, word: str, outcome: Outcome
) -> None:
    """B-043: done before the cancel: the result stays."""
    flights, record = flight(cancel=cancelled_for)

    assert end_of(flights, record, flights.result(record, result(word), 1.0)) is outcome


def test_a_second_cancel_by_people_is_enforced() -> None:
    """E-059: without the agent; what was accepted may still run."""
    flights, record = flight()
    assert flights.cancel(record, "cancel", 1.0) == Next(send="cancel")
    assert end_of(flights, record, flights.cancel(record, "cancel", 2.0)) is Outcome.CANCELLED

    flights, record = flight()
    flights.accepted(record, 0.0)
    flights.cancel(record, "cancel", 1.0)
    follows = flights.cancel(record, "cancel", 2.0)
    assert end_of(flights, record, follows) is Outcome.LOST
    assert "may still run" in record.reason


def test_a_cancel_that_nobody_answers_is_enforced_after_the_grace() -> None:
    flights, record = flight()
    flights.accepted(record, 0.0)
    flights.cancel(record, "cancel", 1.0)

    assert record.due_at == 11.0
    assert end_of(flights, record, overdue(flights, record)) is Outcome.LOST


@pytest.mark.parametrize("why", ["cancel", "pickup", "timeout"])
def test_while_the_link_is_down_no_cancel_is_taken_for_unanswered(why: str) -> None:
    """B-019: it may not even have been sent."""
    flights, record = flight()
    flights.cancel(record, why, 1.0)
    for _ in range(5):
        assert overdue(flights, record, up_since=None) == Next(send="cancel")
    assert record.id in flights.open


def test_an_agent_that_never_got_the_request_is_sent_it_again() -> None:
    flights, record = flight()

    assert flights.progress(record, progress(Work.UNKNOWN), 1.0) == Next(send="request")
    assert record.state is RequestState.OPEN


def test_unroutable_and_refused_end_at_once() -> None:
    """B-004: of the receipts."""
    flights, record = flight()
    assert end_of(flights, record, flights.unroutable(record, 1.0)) is Outcome.NO_SUCH_HOST
    flights, record = flight()
    assert end_of(flights, record, flights.refused(record, 1.0)) is Outcome.NOT_PICKED_UP


def test_a_result_carries_what_the_agent_measured() -> None:
    flights, record = flight()
    follows = flights.result(
        record, result(values={"version": "1"}, changed=False, exit_code=0, tail="the log"), 1.0
    )

    assert follows.ended is not None
    assert follows.ended.data == {
        "version": "1",
        "duration_ms": 7,
        "changed": False,
        "exit_code": 0,
        "log": "the log",
    }


def test_an_abandoned_request_is_lost_and_its_agent_told() -> None:
    flights, record = flight()
    flights.abandon(record, 1.0)

    assert (record.outcome, record.cancel) == (Outcome.LOST, "abandoned")
    assert record.id not in flights.open


WORDS = st.sampled_from(
    ["accepted", "queued", "executing", "stopping", "unknown", "cancel", "silence", "down", "ok", "killed"]
)


@given(st.lists(WORDS, max_size=30))
def test_whatever_happens_the_request_ends_once_and_silence_alone_ends_it(words: list[str]) -> None:
    """B-026: every host-step ends, with an exact word."""
    flights, record = flight()
    now, ends = 0.0, 0
    for word in words + ["silence"] * 12:
        if record.id not in flights.open:
            break
        follows = Next()
        match word:
            case "accepted":
                flights.accepted(record, now)
            case "queued" | "executing" | "stopping" | "unknown":
                follows = flights.progress(record, progress(Work(word)), now)
            case "cancel":
                follows = flights.cancel(record, "cancel", now)
            case "ok" | "killed":
                follows = flights.result(record, result(word), now)
            case _:
                assert record.due_at > now - 1
                now = max(now, record.due_at)
                follows = flights.overdue(record, now, up_since=0.0 if word == "silence" else None)
        ends += follows.ended is not None
    assert record.id not in flights.open
    assert ends == 1
    assert record.outcome is not None
