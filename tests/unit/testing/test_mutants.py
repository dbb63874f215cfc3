"""E-114: every contract suite fails on what breaks one promise."""

import inspect
from typing import Any

import pytest

from mcoflow.action import Action
from mcoflow.clock import Clock, SystemClock
from mcoflow.testing.contracts.action import ActionContract
from mcoflow.testing.contracts.clock import ClockContract
from mcoflow.testing.contracts.store import StoreContract
from mcoflow.testing.database import quick_store
from tests.unit.testing import mutants as m
from tests.unit.testing.actions import Release

PROMISES: list[tuple[str, Any, str]] = [
    ("commit", m.lazy, "test_a_stored_plan_comes_back_as_it_was"),
    ("commit", m.deaf, "test_who_lost_the_lease_writes_nothing_at_all"),
    ("commit", m.unfenced, "test_of_two_owners_only_the_later_one_writes"),
    ("commit", m.without("history"), "test_a_batch_writes_all_it_names"),
    ("commit", m.without("new_requests"), "test_the_exact_bytes_of_a_request_are_kept_until_it_ends"),
    ("commit", m.without("outputs"), "test_a_batch_writes_all_it_names"),
    ("commit", m.without("new_timers"), "test_timers_are_kept_until_they_are_dropped"),
    ("commit", m.without("answers"), "test_the_first_answer_stands"),
    ("claim", m.empty, "test_a_claim_loads_what_the_director_needs"),
    ("claim", m.lazy, "test_a_claim_loads_what_the_director_needs"),
    ("heartbeat", m.lazy, "test_an_unknown_world_has_no_heart"),
    ("register_world", m.lazy, "test_a_world_lives_while_its_heart_beats"),
    ("unregister_world", m.lazy, "test_a_new_plan_of_a_world_that_is_gone_waits_for_another"),
    ("lay_down_world", m.lazy, "test_a_world_that_is_laid_down_is_as_dead_and_owns_nothing"),
    ("awaited", m.empty, "test_a_reply_queue_is_awaited_while_an_open_request_of_a_running_plan_names_it"),
    ("expire_world", m.lazy, "test_a_command_is_listed_for_the_owner_alone_while_that_lives"),
    ("worlds", m.empty, "test_a_world_lives_while_its_heart_beats"),
    ("open_requests", m.empty, "test_a_batch_writes_all_it_names"),
    ("timers", m.empty, "test_timers_are_kept_until_they_are_dropped"),
    ("events", m.empty, "test_events_come_in_the_order_in_which_they_were_stored"),
    ("add_command", m.forgetful, "test_a_command_is_listed_for_the_owner_alone_while_that_lives"),
    ("answer", m.forgetful, "test_the_first_answer_stands"),
    ("save_hosts", m.lazy, "test_a_host_comes_back_as_it_was"),
    ("plans", m.empty, "test_filters_narrow_the_page"),
    ("history", m.empty, "test_a_batch_writes_all_it_names"),
    ("evidence", m.empty, "test_malformed_messages_cannot_fill_the_disk"),
    ("freeze", m.lazy, "test_a_frozen_plan_is_not_due_until_it_is_unfrozen"),
    ("schedule", m.lazy, "test_a_cancelled_plan_is_not_due_any_more"),
    ("claim_due", m.empty, "test_a_dead_world_claims_nothing"),
    ("add_recurrence", m.lazy, "test_a_recurrence_is_kept_as_it_is"),
]
"""A method of the store, how it is broken, and a test that notices."""


TESTS = sorted({test for _, _, test in PROMISES})


def breaks(test: str, method: str = "", how: Any = None) -> bool:
    """Whether a test of the store's contract fails when one method is broken."""
    with quick_store(SystemClock()) as store:
        try:
            getattr(StoreContract(), test)(m.Broken(store, method, how))
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 - the suite has noticed, whatever it is
            return True
    return False


@pytest.mark.parametrize(("method", "how", "test"), PROMISES)
def test_a_store_that_breaks_a_promise_fails_the_suite(method: str, how: Any, test: str) -> None:
    assert breaks(test, method, how)


@pytest.mark.parametrize("test", TESTS)
def test_the_store_as_it_is_passes(test: str) -> None:
    assert not breaks(test)


# -- clocks and actions --------------------------------------------------------------------------------------


def failures(suite: Any, *given: Any) -> list[str]:
    """The tests of a suite that fail, in the order of their names."""
    failed = []
    for name, test in inspect.getmembers(suite, inspect.ismethod):
        if name.startswith("test_"):
            try:
                test(*given)
            except (Exception, pytest.fail.Exception):  # noqa: BLE001 - as above
                failed.append(name)
    return failed


@pytest.mark.parametrize(
    ("clock", "broken"),
    [
        (m.NaiveClock(), "test_the_wall_time_is_aware_and_in_utc"),
        (m.LocalClock(), "test_the_wall_time_is_aware_and_in_utc"),
        (m.StandingClock(), "test_the_wall_time_passes"),
        (m.JumpyClock(), "test_durations_never_go_backwards"),
        (m.MillisecondClock(), "test_durations_are_seconds"),
    ],
)
def test_a_clock_that_breaks_a_promise_fails_the_suite(clock: Clock, broken: str) -> None:
    assert broken in failures(ClockContract(), clock)


@pytest.mark.parametrize(
    ("action", "named", "broken"),
    [
        (m.Whimsical, {}, "test_planning_is_repeatable"),
        (m.Greedy, {"hosts": ["web1", "web2"]}, "test_planning_leaves_its_arguments_as_they_are"),
        (m.Idle, {}, "test_it_does_something"),
        (m.Mute, {}, "test_it_says_what_it_does"),
    ],
)
def test_an_action_that_breaks_a_promise_fails_the_suite(
    action: type[Action], named: dict[str, Any], broken: str
) -> None:
    assert broken in failures(_suite(action, named))


def test_what_keeps_its_promises_passes() -> None:
    assert failures(ClockContract(), SystemClock()) == []
    assert failures(_suite(Release, {"hosts": ["web1"], "package": "nginx"})) == []


def _suite(action: type[Action], named: dict[str, Any]) -> ActionContract:
    return type("Suite", (ActionContract,), {"action": action, "named": named})()


# -- connectors ----------------------------------------------------------------------------------------------

PROGRAM = """
import pytest
from mcoflow.testing.contracts.bus import Bus, opened
from mcoflow.testing.contracts.connector import ConnectorContract
from tests.servers.rabbitmq import RabbitMQ
from tests.unit.testing.mutants import *

class TestMutant(ConnectorContract):
    @pytest.fixture
    def bus(self):
        yield from opened(Bus({executor}, {agent}, RabbitMQ.new_prefix()))
"""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never comes is not waited for as long as on a busy machine."""
    monkeypatch.setattr("mcoflow.testing.contracts.listening.PATIENCE", 1.0)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("executor", "agent", "test"),
    [
        ("Silent", "Agent", "test_every_parcel_gets_exactly_one_receipt"),
        ("Generous", "Agent", "test_an_unknown_host_is_unroutable"),
        ("Generous", "Agent", "test_a_full_queue_refuses"),
        ("Executor", "Backwards", "test_messages_of_one_queue_come_in_order"),
        ("Executor", "Careless", "test_returned_comes_again_and_says_so"),
        ("Executor", "Careless", "test_rejected_goes_to_the_dead_letters"),
        ("Editor", "Agent", "test_a_request_arrives_as_it_was_sent"),
    ],
)
def test_a_connector_that_breaks_a_promise_fails_the_suite(
    pytester: pytest.Pytester, executor: str, agent: str, test: str
) -> None:
    pytester.makepyfile(PROGRAM.replace("{executor}", executor).replace("{agent}", agent))

    done = pytester.runpytest("-p", "no:cacheprovider", "-q", "-k", test)

    done.assert_outcomes(failed=1)
