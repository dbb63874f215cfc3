"""Live output as messages: a few under way at a time, the result after the last, again when asked."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mcoflow.agent.printed import Print
from mcoflow.agent.streams import UNCONFIRMED, UNCONFIRMED_OF_HOST
from mcoflow.ports.bus import Parcel
from mcoflow.wire.envelope import Envelope
from mcoflow.wire.kinds import Stream
from mcoflow.wire.messages import CancelBody, QueryBody
from tests.unit.agent.world import OTHER_TOKEN, AgentWorld, request

OUT = Stream.STDOUT


class FakePrints:
    """What an execution printed: the test appends to it; `end` is kept for its end."""

    def __init__(self, *texts: bytes, end: bytes = b"", total: int = 0) -> None:
        self.prints: list[Print] = []
        self.offset = 0
        self.end = end
        self.missing = total
        for text in texts:
            self.say(text)

    def say(self, text: bytes) -> None:
        self.prints.append(Print(OUT, self.offset, 1.0, text))
        self.offset += len(text)

    def take(self, most: int, least: int) -> Sequence[Print]:
        del most, least
        found, self.prints = self.prints, []
        return found

    def tail(self) -> Sequence[Print]:
        return (Print(OUT, self.total - len(self.end), 1.0, self.end),)

    @property
    def total(self) -> int:
        return self.offset + self.missing + len(self.end)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AgentWorld]:
    made = AgentWorld(tmp_path)
    yield made.start()
    made.end()


def printing(world: AgentWorld, prints: FakePrints, **changes: Any) -> Envelope:
    """Let a request begin that prints."""
    asked = request(output_cap=1_000_000, **changes)
    world.execution.prints[asked.id] = prints
    world.bus.deliver(asked)
    world.begun(asked)
    return asked


def chunks(world: AgentWorld, asked: Envelope) -> list[Any]:
    return [envelope.body for envelope in world.bus.replies(asked.id, "output")]


def withhold_output(world: AgentWorld) -> None:
    world.bus.receipt_for = lambda parcel: None if parcel.kind == "output" else "confirmed"


def test_output_is_sent_while_it_is_printed_and_the_result_counts_it(world: AgentWorld) -> None:
    """B-046: numbered chunks with offsets, before the result."""
    prints = FakePrints(b"first\n")
    asked = printing(world, prints)

    first = world.bus.reply(asked.id, "output")
    prints.say(b"second\n")
    second = world.bus.reply(asked.id, "output", 2)
    prints.end = b"last\n"
    world.begun(asked).end()
    result = world.result(asked)

    sent = chunks(world, asked)
    assert [(each.seq, each.offset, each.text) for each in sent] == [
        (0, 0, "first\n"), (1, 6, "second\n"), (2, 13, "last\n"),
    ]  # fmt: skip
    assert (first, second) == (sent[0], sent[1])
    assert (result.chunks, result.output_bytes, result.truncated) == (3, 18, False)


def test_what_prints_nothing_sends_nothing(world: AgentWorld) -> None:
    asked = printing(world, FakePrints())
    world.begun(asked).end()

    assert world.result(asked).chunks == 0
    assert not chunks(world, asked)
    assert not list(world.settings.state_dir.glob("output/*/*"))


def test_few_chunks_are_under_way_and_the_rest_is_merged(world: AgentWorld) -> None:
    """B-045: an agent cut off from its broker holds no more than four messages of a request."""
    withhold_output(world)
    prints = FakePrints()
    asked = printing(world, prints)
    for number in range(UNCONFIRMED):
        prints.say(b"x" * 16_384)
        world.bus.reply(asked.id, "output", number + 1)
    for _ in range(20):
        prints.say(b"y" * 10_000)
    world.begun(asked).end()
    world.bus.flush()
    assert not world.bus.replies(asked.id, "result")

    world.bus.receipt_for = lambda _parcel: "confirmed"
    world.bus.release()
    result = world.result(asked)

    sent = chunks(world, asked)
    assert "".join(each.text for each in sent) == "x" * 65_536 + "y" * 200_000
    assert result.chunks == len(sent) == UNCONFIRMED + 7
    assert max(len(each.text) for each in sent) == 32_768


def test_one_host_has_few_chunks_under_way_over_all_its_requests(tmp_path: Path) -> None:
    """B-045: 64 an agent."""
    world = AgentWorld(tmp_path, parallel=20)
    world.start()
    withhold_output(world)
    asked = [printing(world, FakePrints(b"x" * 200_000)) for _ in range(20)]
    world.bus.wait_for(lambda: sum(len(chunks(world, each)) for each in asked) == UNCONFIRMED_OF_HOST)
    for each in asked:
        world.begun(each).end()
    world.bus.flush()
    assert sum(len(chunks(world, each)) for each in asked) == UNCONFIRMED_OF_HOST

    world.bus.receipt_for = lambda _parcel: "confirmed"
    world.bus.release()
    results = [world.result(each) for each in asked]

    assert all(sum(len(c.text) for c in chunks(world, each)) == 200_000 for each in asked)
    assert all(result.output_bytes == 200_000 for result in results)
    world.end()


def test_what_is_left_out_is_counted(world: AgentWorld) -> None:
    """B-045: head and tail at their places, true count, truncated."""
    asked = printing(world, FakePrints(b"head", end=b"tail", total=5_000_000_000))
    world.begun(asked).end()
    result = world.result(asked)

    sent = [(each.offset, each.text) for each in chunks(world, asked)]
    assert sent == [(0, "head"), (5_000_000_004, "tail")]
    assert (result.output_bytes, result.truncated) == (5_000_000_008, True)


def test_a_query_sends_the_chunks_again_then_the_stored_result(world: AgentWorld) -> None:
    """B-046: gaps are refilled, to whoever asks."""
    asked = printing(world, FakePrints(b"one", b"x" * 40_000))
    world.begun(asked).end()
    first = world.result(asked)
    sent = chunks(world, asked)

    world.say(asked.id, QueryBody(reply_to=OTHER_TOKEN, output_from=1))
    again = world.result(asked, 2)

    assert again.repeat
    assert again.chunks == first.chunks == len(sent)
    assert chunks(world, asked)[len(sent) :] == sent[1:]
    last = [parcel for parcel in world.bus.published if parcel.request_id == asked.id][-len(sent) :]
    assert [parcel.kind for parcel in last] == ["output"] * (len(sent) - 1) + ["result"]
    assert {getattr(parcel.address, "token", "") for parcel in last} == {OTHER_TOKEN}


def test_a_query_while_it_runs_sends_from_there_and_goes_on(world: AgentWorld) -> None:
    prints = FakePrints(b"one")
    asked = printing(world, prints)
    world.bus.reply(asked.id, "output")

    world.say(asked.id, QueryBody(reply_to=OTHER_TOKEN, output_from=0))
    assert world.bus.reply(asked.id, "output", 2).seq == 0
    prints.say(b"two")
    world.bus.reply(asked.id, "output", 3)
    world.begun(asked).end()

    assert world.result(asked).chunks == 2


def test_a_query_is_not_held_up_by_what_a_dead_executor_never_confirmed(world: AgentWorld) -> None:
    asked = printing(world, FakePrints(b"x" * 300_000))
    withhold_output(world)
    world.bus.wait_for(lambda: len(chunks(world, asked)) >= UNCONFIRMED)

    world.bus.receipt_for = lambda _parcel: "confirmed"
    world.say(asked.id, QueryBody(reply_to=OTHER_TOKEN, output_from=0))
    world.begun(asked).end()
    result = world.result(asked)

    to_other = [each for each in world.bus.published if _to(each, OTHER_TOKEN) and each.kind == "output"]
    assert len(to_other) == result.chunks


def _to(parcel: Parcel, token: str) -> bool:
    return getattr(parcel.address, "token", "") == token


def test_a_query_from_beyond_the_end_gets_the_result(world: AgentWorld) -> None:
    asked = printing(world, FakePrints(b"one"))
    world.begun(asked).end()
    world.result(asked)

    world.say(asked.id, QueryBody(reply_to=OTHER_TOKEN, output_from=99))

    assert world.result(asked, 2).repeat
    assert len(chunks(world, asked)) == 1


def test_output_after_cancel_arrives_before_the_result(world: AgentWorld) -> None:
    """B-043: with output until the end."""
    prints = FakePrints(b"working\n")
    asked = printing(world, prints)
    world.bus.reply(asked.id, "output")
    prints.end = b"terminated\n"

    world.say(asked.id, CancelBody(reply_to=OTHER_TOKEN, reason="", force=False))
    result = world.result(asked)

    assert result.outcome == "killed"
    assert [each.text for each in chunks(world, asked)] == ["working\n", "terminated\n"]


def test_a_new_daemon_sends_what_the_dead_one_kept(world: AgentWorld, tmp_path: Path) -> None:
    """B-035, B-046: the result is not confirmed; with it the chunks come again, from the spool."""
    world.bus.receipt_for = lambda parcel: None if parcel.kind in ("output", "result") else "confirmed"
    asked = printing(world, FakePrints(b"before the crash"))
    world.bus.reply(asked.id, "output")
    world.begun(asked).end()
    world.result(asked)

    heir = world.crash(tmp_path / "heir").start()
    result = heir.result(asked)

    assert result.chunks == 1
    assert [each.text for each in chunks(heir, asked)] == ["before the crash"]
    heir.end()


def test_a_run_after_a_crash_goes_on_with_numbers_and_offsets(world: AgentWorld, tmp_path: Path) -> None:
    """B-036: an idempotent operation runs twice; its output is one sequence."""
    asked = printing(world, FakePrints(b"first run"))
    world.bus.reply(asked.id, "output")
    heir = world.crash(tmp_path / "heir")
    heir.execution.prints[asked.id] = prints = FakePrints(b"first run, more of it")
    heir.start()
    again = heir.begun(asked)
    prints.offset = 0
    prints.say(b"second run")
    again.end()

    result = heir.result(asked)
    assert (result.runs, result.chunks) == (2, 3)
    assert [(each.seq, each.offset, each.text) for each in chunks(heir, asked)][-3:] == [
        (0, 0, "first run"), (1, 9, ", more of it"), (2, 21, "second run"),
    ]  # fmt: skip
    heir.end()


def test_output_that_cannot_be_kept_harms_nothing_else(world: AgentWorld) -> None:
    (world.settings.state_dir / "output").write_text("in the way of the directory")
    asked = printing(world, FakePrints(b"lost"))
    world.begun(asked).end()

    result = world.result(asked)
    assert (result.outcome, result.chunks, result.output_bytes, result.truncated) == ("ok", 0, 4, True)
