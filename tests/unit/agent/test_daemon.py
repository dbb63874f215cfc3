"""What a daemon answers to requests, from their receipt to their end."""

import logging
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from mcoflow.agent.results import clip
from mcoflow.ports.bus import Verdict
from mcoflow.wire.codec import dumps, loads
from mcoflow.wire.envelope import encode
from mcoflow.wire.kinds import Outcome, Up, Want, Work
from mcoflow.wire.messages import CancelBody, DiscoverBody, QueryBody
from tests.unit.agent.fake_bus import WITHIN
from tests.unit.agent.world import OTHER_TOKEN, TOKEN, AgentWorld, request

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def agent(tmp_path):
    world = AgentWorld(tmp_path, parallel=2, max_waiting=3).start()
    yield world
    world.end()


def refusal(agent, /, **changes):
    asked = agent.request(**changes)
    body = agent.result(asked)
    assert (body.outcome, body.runs) == ("rejected", 0)
    assert agent.execution.of(asked.id) == []
    return body.reason


# -- the usual life ----------------------------------------------------------------------------------------


def test_a_request_is_acknowledged_accepted_executed_and_answered(agent):
    """B-026: ok."""
    asked = agent.request()

    agent.begun(asked).end(text="well")

    body = agent.result(asked)
    assert (body.outcome, body.values, body.runs, body.repeat) == ("ok", {"text": "well"}, 1, False)
    assert [e.kind for e in agent.bus.replies(asked.id)] == ["accepted", "result"]


def test_a_failure_says_why(agent):
    """B-026: failed (exit)."""
    asked = agent.request()

    agent.begun(asked).end(Outcome.FAILED)

    assert agent.result(asked).outcome == "failed"


def test_nothing_is_begun_before_accepted_is_confirmed(agent):
    """B-033: an agent that is cut off starts nothing new."""
    agent.bus.receipt_for = lambda parcel: None if parcel.kind == "accepted" else "confirmed"
    asked = agent.request()
    agent.bus.reply(asked.id, "accepted")
    assert agent.execution.of(asked.id) == []

    agent.bus.receipt_for = lambda _parcel: "confirmed"
    agent.bus.release()

    agent.begun(asked).end()


def test_a_request_that_waits_for_its_confirmation_can_still_be_cancelled(agent):
    """B-043: queued: nothing ran."""
    agent.bus.receipt_for = lambda parcel: None if parcel.kind == "accepted" else "confirmed"
    asked = agent.request()
    agent.bus.reply(asked.id, "accepted")

    agent.say(asked.id, CancelBody(reply_to=OTHER_TOKEN, reason="enough", force=False))

    assert agent.result(asked).outcome == "cancelled"
    agent.bus.receipt_for = lambda _parcel: "confirmed"
    agent.bus.release()
    assert agent.execution.of(asked.id) == []


def test_the_trace_headers_go_into_every_reply_and_the_log_and_malformed_ones_do_not(agent, caplog):
    """B-024: the agent's part."""
    caplog.set_level(logging.INFO, "mcoflow.agent")
    good = (("traceparent", f"00-{'a' * 32}-{'b' * 16}-01"), ("tracestate", "a=1"))
    traced, untraced = request(), request()

    agent.bus.deliver(traced, headers=good)
    agent.bus.deliver(untraced, headers=(("traceparent", "nonsense"), ("tracestate", "a=1")))
    for asked in (traced, untraced):
        agent.begun(asked).end()
        agent.result(asked)

    headers = {p.request_id: p.headers for p in agent.bus.published}
    assert (headers[traced.id], headers[untraced.id]) == (good, ())
    lines = [vars(each) for each in caplog.records if each.message.startswith("operation.")]
    assert {(line["message"], line["request"], line["trace"]) for line in lines} == {
        (event, str(asked.id), trace)
        for event in ("operation.begun", "operation.ended")
        for asked, trace in ((traced, good[0][1]), (untraced, ""))
    }


# -- refusals ----------------------------------------------------------------------------------------------


def test_each_refusal_has_its_word_and_no_effect(agent):
    """B-026: rejected (…), effect none."""
    assert refusal(agent, agent="nobody") == "unknown_agent"
    assert refusal(agent, name="nothing") == "unknown_operation"
    assert refusal(agent, args={"text": 1}) == "invalid_args"
    assert refusal(agent, args={"extra": "x"}) == "invalid_args"
    assert refusal(agent, expires_at=LONG_AGO) == "expired"
    assert refusal(agent, host="web2") == "wrong_host"
    assert refusal(agent, collective="other") == "wrong_host"
    assert refusal(agent, check=True) == "check_unsupported"


def test_an_expired_request_says_by_how_much(agent):
    """B-047: the refusal."""
    now = datetime.now(UTC).replace(microsecond=0)
    asked = agent.request(expires_at=now - timedelta(minutes=10))

    assert "60" in agent.result(asked).message.split(" UTC, ")[1]


def test_a_clock_that_is_off_by_a_minute_refuses_nothing(agent):
    asked = agent.request(expires_at=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1))

    agent.begun(asked).end()


def test_beyond_its_places_and_its_queue_an_agent_is_busy(agent):
    running = [agent.request() for _ in range(2)]
    begun = [agent.begun(asked) for asked in running]
    waiting = [agent.request() for _ in range(3)]
    for asked in waiting:
        agent.bus.reply(asked.id, "accepted")

    assert refusal(agent) == "busy"

    for run in begun:
        run.end()
    for asked in waiting:
        agent.begun(asked).end()


def test_an_unknown_field_is_ignored_and_one_that_must_be_known_is_refused(agent):
    """B-022: as the daemon sees it."""
    ignored, refused = request(), request()
    for asked, must in ((ignored, []), (refused, ["vigour"])):
        message = loads(encode(asked), 65536)
        agent.bus.deliver(dumps({**message, "vigour": 1, "must": must}))

    agent.begun(ignored).end()
    assert agent.result(refused).reason == "unsupported_version"


def test_another_version_is_refused_in_words(agent):
    asked = request()
    delivery = agent.bus.deliver(dumps({**loads(encode(asked), 65536), "v": 2}))

    assert agent.result(asked).reason == "unsupported_version"
    assert agent.bus.verdict(delivery) is Verdict.ACK


def test_what_is_no_message_goes_to_the_dead_letters_and_the_next_is_read(agent):
    poison = [agent.bus.deliver(body) for body in (b"", b"{", b"[" * 5000, b'{"v":1}', b"\xff")]
    asked = agent.request()

    agent.begun(asked).end()

    assert [agent.bus.verdict(delivery) for delivery in poison] == [Verdict.REJECT] * 5


# -- the same id again -------------------------------------------------------------------------------------


def test_a_request_delivered_five_times_is_executed_once_and_answered_alike(agent):
    """B-034: also while it is executing, and in one turn."""
    asked = request()
    for _ in range(3):
        agent.bus.deliver(asked)
    agent.begun(asked).end(text="once")
    agent.result(asked)
    for _ in range(2):
        agent.bus.deliver(asked)

    results = [agent.result(asked, nth) for nth in (1, 2, 3)]

    assert [body.repeat for body in results] == [False, True, True]
    assert {body.values["text"] for body in results} == {"once"}
    assert len(agent.execution.of(asked.id)) == 1
    assert sorted(e.body.repeat for e in agent.bus.replies(asked.id, "accepted")) == [False, True, True]


def test_a_refused_request_that_comes_twice_is_refused_alike(agent):
    asked = request(agent="nobody")
    for _ in range(2):
        agent.bus.deliver(asked)

    assert [agent.result(asked, nth).repeat for nth in (1, 2)] == [False, True]
    assert {agent.result(asked, nth).reason for nth in (1, 2)} == {"unknown_agent"}


def test_other_bytes_under_a_known_id_are_refused(agent):
    """B-034: id_reused."""
    asked = agent.request()
    agent.begun(asked)
    agent.request(id=asked.id, args={"text": "other"})

    assert agent.result(asked).reason == "id_reused"

    agent.begun(asked).end()
    assert agent.result(asked, 2).outcome == "ok"


def test_a_request_from_before_a_lost_journal_is_not_executed(agent):
    """B-037: journal_lost."""
    asked = agent.request(journal=uuid4())

    assert agent.result(asked).outcome == "journal_lost"
    assert agent.execution.of(asked.id) == []


def test_a_request_that_knows_this_journal_is_executed(agent):
    asked = agent.request(journal=agent.presences()[0].journal)

    agent.begun(asked).end()


# -- cancel and query --------------------------------------------------------------------------------------


def test_a_query_is_answered_with_what_is_known(agent):
    asked, stranger = agent.request(), uuid4()
    run = agent.begun(asked)

    agent.say(asked.id, QueryBody(reply_to=OTHER_TOKEN))
    agent.say(stranger, QueryBody(reply_to=TOKEN))
    assert agent.bus.reply(asked.id, "progress").state is Work.EXECUTING
    assert agent.bus.reply(stranger, "progress").state is Work.UNKNOWN
    run.end()
    agent.result(asked)
    agent.say(asked.id, QueryBody(reply_to=TOKEN))

    assert agent.result(asked, 2).repeat
    tokens = [parcel.address.token for parcel in agent.bus.published if parcel.kind == "result"]
    assert tokens == [OTHER_TOKEN, TOKEN]


# -- locks -------------------------------------------------------------------------------------------------


def test_two_operations_under_one_lock_never_overlap_and_the_waiting_one_names_the_holder(agent):
    """B-042: all but the expiry."""
    first, second, free = agent.request("locked"), agent.request("locked"), agent.request("free")
    holder = agent.begun(first)
    agent.begun(free).end()

    queued = agent.bus.reply(second.id, "progress")

    assert (queued.state, str(first.id) in queued.reason) == (Work.QUEUED, True)
    assert agent.execution.of(second.id) == []
    holder.end()
    agent.begun(second).end()


def test_what_waited_past_its_expiry_is_refused(agent):
    """B-042: past `expires_at` it is refused."""
    holder = agent.begun(agent.request("locked"))
    late = datetime.now(UTC) - timedelta(seconds=119)
    asked = agent.request("locked", expires_at=late.replace(microsecond=0))
    agent.bus.reply(asked.id, "accepted")

    assert agent.result(asked).reason == "expired"
    assert agent.execution.of(asked.id) == []
    holder.end()


# -- presence ----------------------------------------------------------------------------------------------


def test_presence_tells_who_is_there_and_a_discover_is_answered_if_it_means_the_host(agent):
    up = agent.presences()[0]
    assert (up.state, up.facts, up.room) == (Up.UP, {"os": {"name": "test"}}, 3)

    is_test = {"path": "os.name", "op": "==", "value": "test"}
    refused = ({"identity": ["web9"]}, {}, {"all": True, "unheard": 1}, {"all": True, "groups": ["old"]})
    for wanted in (*refused, {"glob": ["db*"], "facts": [is_test]}, {"glob": ["web*"], "facts": [is_test]}):
        agent.say(None, DiscoverBody(reply_to=TOKEN, filter=wanted, want=(Want.OPERATIONS,), spread_ms=0))

    found = agent.bus.wait_for(lambda: [body for body in agent.presences() if body.operations])
    assert len(found) == 1
    assert found[0].operations["try.once"]["idempotent"] is False


def test_the_end_is_announced(tmp_path):
    """B-049: a stopped host shows `down` at once."""
    world = AgentWorld(tmp_path).start()

    world.end()

    assert world.presences()[-1].state is Up.DOWN
    assert world.bus.closed


def test_a_host_that_leaves_is_not_alive_again_while_its_work_drains(tmp_path):
    """B-049: the regular presence goes on until the end, and says so, too."""
    world = AgentWorld(tmp_path, presence_interval=timedelta(milliseconds=10)).start()
    run = world.begun(world.request())

    world.daemon.stop(timedelta(seconds=WITHIN))
    states = world.bus.wait_for(
        lambda: [body.state for body in world.presences() if body.state is Up.DOWN][3:]
    )
    run.end()

    assert world.daemon.wait(timedelta(seconds=WITHIN))
    said = [body.state for body in world.presences()]
    assert set(said[said.index(Up.DOWN) :]) == set(states) == {Up.DOWN}


# -- what a result may hold --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values", [{"text": "x" * 70_000}, {"text": "\0"}, {"n": 2**60}], ids=lambda v: ascii(v)[:20]
)
def test_values_that_cannot_be_sent_are_left_out_and_the_outcome_stays(agent, values):
    asked = agent.request()

    agent.begun(asked).end(**values)

    body = agent.result(asked)
    assert (body.outcome, body.values, body.truncated) == ("ok", {}, True)
    assert "left out" in body.message


def test_texts_are_cut_at_whole_characters_and_cleaned():
    assert clip("aä", 2) == "a"
    assert clip("äa", 2, keep_end=True) == "a"
    assert clip("a\0\ud800", 10) == "a\ufffd?"
