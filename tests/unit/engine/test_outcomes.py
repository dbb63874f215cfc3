"""What becomes of a request to a host: one exact word each."""

from datetime import timedelta
from typing import Any

import pytest

from mcoflow.action import Action, Deadlines, HostRequest, Reply
from mcoflow.domain.outcome import Effect, Outcome
from mcoflow.domain.requests import RequestState
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.ports.bus import Link, Receipt
from mcoflow.testing.hosts import accepted, ok, only, progress, result, silence
from mcoflow.wire.messages import Work
from tests.unit.engine.house import House
from tests.unit.engine.play import Install, Listen, compose, one, play
from tests.waiting import until


def install(plan: Action) -> None:
    plan.plan_action(Install, host="web1", package="nginx")


class Hasty(Install):
    """Bears little."""

    name = "host_steps.hasty"

    def request_for_host(self) -> HostRequest:
        deadlines = Deadlines(pickup=timedelta(seconds=60), run=timedelta(seconds=100))
        return self.request("package", "install", {"package": "x"}, deadlines=deadlines)


def hasty(plan: Action) -> None:
    plan.plan_action(Hasty, host="web1")


def asked(house: House, layout: Any = install) -> Any:
    """Trigger a plan whose host has been asked."""
    plan_id = compose(house, layout)
    until(lambda: house.hosts.requests, "the host is asked")
    return plan_id


def settled(house: House, plan_id: Any) -> Any:
    """Wait until the executor has taken in all that was said: one more request has come and gone."""
    before = dict(house.hosts.answers)
    house.hosts.answers["probe"] = ok()
    plan = house.rest(compose(house, lambda plan: plan.plan_action(Install, host="probe", package="probe")))
    assert plan.result is PlanResult.SUCCESS
    house.hosts.answers = before
    return house.store.plan(plan_id)


def ended(house: House, plan_id: Any) -> tuple[Outcome | None, str, str]:
    """The outcome of the one host step, its effect, and the explanation of the plan."""
    plan = house.rest(plan_id)
    step = house.step(plan_id)
    assert plan.state is PlanState.PAUSED or step.outcome is Outcome.OK
    assert house.store.open_requests([plan_id]) == []
    return step.outcome, step.outcome.effect if step.outcome else "", plan.explanation


# -- the words of 3.5 -------------------------------------------------------------------------------------


def test_ok(house: House) -> None:
    """B-026: ok, once."""
    house.hosts.default = ok(version="1.2", changed=True)
    plan_id = compose(house, install)

    assert ended(house, plan_id) == (Outcome.OK, Effect.ONCE, "")
    assert house.output(plan_id)["version"] == "1.2"
    assert house.output(plan_id)["duration_ms"] == 7


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (result("failed", exit_code=3), "failed (exit 3)"),
        (result("failed", signal=9), "failed (signal 9)"),
        (result("failed", reason="locked", message="dpkg is busy"), "failed (locked): dpkg is busy"),
        (result("exploded", message="boom"), "failed (exploded): boom"),
    ],
)
def test_failed(house: House, answer: Any, words: str) -> None:
    """B-026: failed (…), partial; a word that is not known counts as failed and is shown as sent."""
    house.hosts.default = only(accepted(), answer)

    assert ended(house, compose(house, install)) == (Outcome.FAILED, Effect.PARTIAL, f"web1: {words}")


def test_rejected(house: House) -> None:
    """B-026: rejected (reason), no effect."""
    house.hosts.default = only(result("rejected", reason="unknown_operation", message="no agent package"))

    assert ended(house, compose(house, install)) == (
        Outcome.REJECTED,
        Effect.NONE,
        "web1: rejected (unknown_operation): no agent package",
    )


def test_no_such_host(house: House) -> None:
    """E-035: unroutable, at once; B-026: no such host, no effect."""
    house.broker.receipt_for = lambda _parcel: "unroutable"

    outcome, effect, words = ended(house, compose(house, install))

    assert (outcome, effect) == (Outcome.NO_SUCH_HOST, Effect.NONE)
    assert words == "web1: no agent for web1: no queue is bound"


def test_not_picked_up(house: House) -> None:
    """B-026: not picked up: pickup deadline, a cancel, the grace; no effect."""
    house.hosts.default = silence
    plan_id = asked(house, hasty)
    house.advance(61)
    until(lambda: house.broker.of_kind("cancel"), "the agent is told not to begin")
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.advance(6)

    assert ended(house, plan_id) == (Outcome.NOT_PICKED_UP, Effect.NONE, "web1: not picked up")


def test_not_picked_up_in_the_agents_own_words(house: House) -> None:
    """B-019: the agent came back, read request and cancel, and began nothing."""
    house.hosts.default = silence
    house.hosts.on_cancel = lambda _cancel: [accepted(), result("cancelled")]
    plan_id = asked(house, hasty)
    house.advance(61)

    assert ended(house, plan_id)[0] is Outcome.NOT_PICKED_UP


def test_a_full_queue_is_not_picked_up(house: House) -> None:
    """B-017: an overflowed request is ended as written."""
    house.broker.receipt_for = lambda _parcel: "refused"

    outcome, _, words = ended(house, compose(house, install))

    assert (outcome, "its queue is full" in words) == (Outcome.NOT_PICKED_UP, True)


def test_timed_out_killed(house: House) -> None:
    """B-026: timed out, killed; partial."""
    house.hosts.default = only(accepted(), progress(), result("killed", reason="timeout"))

    assert ended(house, compose(house, install))[:2] == (Outcome.TIMED_OUT_KILLED, Effect.PARTIAL)


def test_timed_out_still_running(house: House) -> None:
    """B-026: deadline past, the agent says executing; unknown. B-027: a late result changes nothing."""
    house.hosts.default = only(accepted(), progress())
    house.hosts.on_query = lambda _query: [progress()]
    plan_id = asked(house, hasty)
    until(lambda: house.store.open_requests([plan_id])[0].executing, "it executes")
    for _ in range(2):  # silence, and its answer
        house.advance(91)
        until(lambda: house.broker.of_kind("query"), "it is asked")
        settled(house, plan_id)
    until(lambda: house.broker.of_kind("cancel"), "it is told to stop")
    house.advance(31)

    assert ended(house, plan_id)[:2] == (Outcome.TIMED_OUT_STILL_RUNNING, Effect.UNKNOWN)
    before = ended(house, plan_id)

    late = house.hosts.say(result(), about=house.hosts.requests[0])

    until(lambda: house.broker.verdicts(late), "it is acknowledged")
    assert [each.why for each in house.store.evidence(plan_id)] == ["late"]
    assert ended(house, plan_id) == before


def test_progress_moves_no_deadline(house: House) -> None:
    """B-028: of the execution."""
    house.hosts.default = only(accepted(), progress())
    plan_id = asked(house, hasty)
    until(lambda: house.store.open_requests([plan_id])[0].executing, "it executes")
    due = house.store.open_requests([plan_id])[0].run_due_at
    for _ in range(3):
        house.advance(50)
        house.hosts.say(progress(), about=house.hosts.requests[0])
        settled(house, plan_id)

    assert house.store.open_requests([plan_id])[0].run_due_at == due
    house.advance(20)
    until(lambda: house.broker.of_kind("cancel"), "it is told to stop")


def test_interrupted(house: House) -> None:
    """B-026: interrupted; unknown."""
    house.hosts.default = only(accepted(), result("interrupted", message="the host went down"))

    outcome, effect, words = ended(house, compose(house, install))

    assert (outcome, effect) == (Outcome.INTERRUPTED, Effect.UNKNOWN)
    assert words == "web1: interrupted: the host went down"


def test_lost_after_two_unanswered_queries(house: House) -> None:
    """B-026: accepted, past every deadline, two queries unanswered; unknown."""
    house.hosts.default = only(accepted())
    plan_id = asked(house)
    until(lambda: house.store.open_requests([plan_id])[0].state is RequestState.ACCEPTED, "accepted")
    house.advance(91)
    until(lambda: len(house.broker.of_kind("query")) == 1, "asked")
    house.advance(11)
    until(lambda: len(house.broker.of_kind("query")) == 2, "asked again")
    assert house.step(plan_id).state is StepState.SUSPENDED
    house.advance(11)

    assert ended(house, plan_id) == (
        Outcome.LOST,
        Effect.UNKNOWN,
        "web1: lost (no answer to two queries)",
    )


def test_lost_with_the_journal(house: House) -> None:
    """B-026: journal_lost; unknown."""
    house.hosts.default = only(result("journal_lost"))

    outcome, effect, words = ended(house, compose(house, install))

    assert (outcome, effect, words) == (Outcome.LOST, Effect.UNKNOWN, "web1: lost (journal_lost)")


def test_an_agent_that_does_not_know_an_accepted_request_has_lost_it(house: House) -> None:
    house.hosts.default = only(accepted())
    house.hosts.on_query = lambda _query: [progress(Work.UNKNOWN)]
    plan_id = asked(house)
    until(lambda: house.store.open_requests([plan_id])[0].state is RequestState.ACCEPTED, "accepted")
    house.advance(91)

    assert ended(house, plan_id)[0] is Outcome.LOST


def test_an_answer_to_a_query_lets_the_request_live_on(house: House) -> None:
    house.hosts.default = only(accepted())
    house.hosts.on_query = lambda _query: [progress(Work.QUEUED)]
    plan_id = asked(house)
    until(lambda: house.store.open_requests([plan_id])[0].state is RequestState.ACCEPTED, "accepted")
    for number in range(1, 4):
        house.advance(91)
        until(lambda wanted=number: len(house.broker.of_kind("query")) == wanted, "asked")  # type: ignore[misc]
        settled(house, plan_id)
    house.hosts.say(result(), about=house.hosts.requests[0])

    assert ended(house, plan_id)[0] is Outcome.OK


# -- receipts ---------------------------------------------------------------------------------------------


def test_a_request_of_unknown_fate_is_sent_again_with_the_same_id_and_bytes(house: House) -> None:
    """E-035: unknown confirm."""
    receipts: list[Receipt] = ["unknown", "unknown", "confirmed"]
    house.broker.receipt_for = lambda parcel: (
        receipts.pop(0) if parcel.kind == "request" and receipts else "confirmed"
    )

    assert ended(house, compose(house, install))[0] is Outcome.OK

    sent = house.broker.of_kind("request")
    assert len(sent) == 3
    assert len({(parcel.message_id, parcel.body) for parcel in sent}) == 1


def admit(house: House, host: str) -> None:
    """Let the host be known."""
    from mcoflow.domain.requests import HostRecord

    house.store.save_hosts([HostRecord(host)])
    fleet = house.world._fleet
    assert fleet is not None
    fleet.load()


def test_an_admitted_host_without_a_queue_gets_one_and_is_asked_again(house: House) -> None:
    """B-013: declared again, and it answers."""
    admit(house, "web1")
    house.broker.receipt_for = lambda parcel: (
        "unroutable" if parcel.kind == "request" and "web1" not in house.broker.declared else "confirmed"
    )

    assert ended(house, compose(house, install))[0] is Outcome.OK
    assert house.broker.declared == ["web1"]


def test_an_admitted_host_that_stays_unroutable_is_no_host(house: House) -> None:
    admit(house, "web1")
    house.broker.receipt_for = lambda _parcel: "unroutable"

    assert ended(house, compose(house, install))[0] is Outcome.NO_SUCH_HOST


def test_a_resend_that_finds_no_way_does_not_end_a_request_that_the_agent_has(house: House) -> None:
    house.hosts.default = only(accepted())
    plan_id = asked(house)
    until(lambda: house.store.open_requests([plan_id])[0].state is RequestState.ACCEPTED, "accepted")
    house.broker.receipt_for = lambda _parcel: "unroutable"
    house.restart(confirm=False)
    until(lambda: len(house.broker.of_kind("request")) == 2, "sent again")
    house.plan_when(plan_id, lambda plan: plan.epoch >= 2)
    house.hosts.say(result(), about=house.hosts.requests[0])

    assert ended(house, plan_id)[0] is Outcome.OK


# -- deadlines after a start ------------------------------------------------------------------------------


def test_deadlines_are_not_enforced_before_waiting_replies_were_read(house: House) -> None:
    """B-028: passed while the server was down."""
    house.hosts.default = silence
    plan_id = asked(house, hasty)
    house.kill()
    house.pass_time(1000)
    house.broker.unread = True
    house.another()
    house.plan_when(plan_id, lambda plan: plan.epoch >= 2)
    for _ in range(5):
        house.advance(10)
    settled(house, plan_id)
    assert house.broker.of_kind("cancel") == []
    house.broker.unread = False
    house.advance(1)

    until(lambda: house.broker.of_kind("cancel"), "the deadline is enforced")


def test_a_silence_that_passed_while_the_server_was_down_waits_for_unread_replies(house: House) -> None:
    """B-028: of a step that waits for a host."""
    heard: list[Any] = []

    def script(action: Any, event: Any) -> None:
        if event is None:
            wanted = action.request("package", "install", {"package": "x"}, host="web1")
            action.suspend(until=wanted, patience=timedelta(seconds=60))
        heard.append(type(event))

    play.scripts["a"] = script
    house.hosts.default = silence
    plan_id = asked(house, one(Listen))
    house.kill()
    house.pass_time(1000)
    house.broker.unread = True
    house.another()
    house.plan_when(plan_id, lambda plan: plan.epoch >= 2)
    for _ in range(3):
        house.advance(10)
    settled(house, plan_id)
    assert heard == []
    house.hosts.say(result(), about=house.hosts.requests[0])

    assert house.rest(plan_id).result is PlanResult.SUCCESS
    assert heard == [Reply]


def test_with_the_link_down_nothing_is_concluded_from_silence(house: House) -> None:
    house.hosts.default = silence
    plan_id = asked(house, hasty)
    connector = house.world._connector
    connector.report(Link.DOWN, "no broker")  # type: ignore[union-attr]
    until(lambda: house.world.link().link is Link.DOWN, "down")
    house.advance(61)
    until(lambda: house.broker.of_kind("cancel"), "the cancel waits for the link")
    for _ in range(4):
        house.advance(31)
        settled(house, plan_id)

    assert house.step(plan_id).state is StepState.SUSPENDED
