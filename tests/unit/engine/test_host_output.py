"""What hosts print while they execute: stored as it comes, read in order, asked for again where it lacks."""

from collections.abc import Iterator
from contextlib import ExitStack
from uuid import UUID

import pytest
from sqlalchemy import event

from mcoflow.domain.output import OutputScope, Piece
from mcoflow.domain.states import PlanState
from mcoflow.ports.bus import Verdict
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import Answer, Words, accepted, ok, output, progress, result, silence
from mcoflow.wire.envelope import Envelope
from mcoflow.wire.messages import Body, QueryBody, RequestBody
from tests.unit.engine.play import Install


@pytest.fixture
def world() -> Iterator[OneThreadWorld]:
    with OneThreadWorld() as opened:
        yield opened


def printing(*bodies: Body) -> Answer:
    """Execute, say this meanwhile, and succeed."""
    return lambda _request: [accepted(), progress(), *bodies]


def install(world: OneThreadWorld) -> UUID:
    return world.run(Install, host="web1", package="nginx").id


def said(world: OneThreadWorld, plan_id: UUID) -> list[str]:
    return [piece.text for piece in pieces(world, plan_id)]


def pieces(world: OneThreadWorld, plan_id: UUID) -> list[Piece]:
    return list(world.store.output(OutputScope(plan_id)))


def chunks(*numbers: int) -> list[Body]:
    return [output(number, f"{number}\n", offset=2 * number) for number in numbers]


def answering(world: OneThreadWorld, printed: int) -> list[int | None]:
    """Let hosts send again what is asked for; return what was."""
    asked: list[int | None] = []

    def again(query: Envelope) -> Words:
        assert isinstance(query.body, QueryBody)
        asked.append(query.body.output_from)
        told = [] if query.body.output_from is None else chunks(*range(query.body.output_from, printed))
        return [*told, result(chunks=printed, output_bytes=2 * printed, repeat=True)]

    world.ground.hosts.on_query = again
    return asked


def test_output_can_be_read_while_the_step_runs(world: OneThreadWorld) -> None:
    """B-046: as it comes, and the task has another version, so that who watches it looks."""
    world.ground.hosts.default = printing(output(0, "Reading package lists…\n"))
    plan_id = install(world)
    before = world.store.plan(plan_id)
    assert before.state is PlanState.RUNNING
    assert said(world, plan_id) == ["Reading package lists…\n"]

    world.ground.hosts.say(output(1, "E: held\n", stream="stderr"))
    world.drain()

    assert [(each.stream, each.text) for each in pieces(world, plan_id)][1:] == [("stderr", "E: held\n")]
    assert world.store.plan(plan_id).version > before.version


def test_chunks_out_of_order_and_doubled_are_put_in_order_and_acknowledged(world: OneThreadWorld) -> None:
    """R-030, B-046: each once, though the host says everything twice, and the end first."""
    told = [*chunks(2, 0, 2, 1, 0), result(chunks=4, output_bytes=8), *chunks(3, 1)]
    world.ground.hosts.default = printing(*told)

    plan_id = install(world)
    world.drain()

    assert said(world, plan_id) == ["0\n", "1\n", "2\n", "3\n"]
    assert world.store.plan(plan_id).state is PlanState.STOPPED
    assert {verdict for _, verdict in world.ground.broker.settled} == {Verdict.ACK}
    assert len(world.ground.broker.settled) == len(told) + 2
    assert world.store.evidence(plan_id) == []


def test_chunks_that_come_after_the_end_of_the_task_are_attached(world: OneThreadWorld) -> None:
    """B-046: the outcome stays."""
    world.ground.hosts.default = printing(result(chunks=2, output_bytes=4))
    plan_id = install(world)
    assert world.store.plan(plan_id).state is PlanState.STOPPED
    for body in chunks(1, 0, 1):
        world.ground.hosts.say(body)
    world.drain()

    assert said(world, plan_id) == ["0\n", "1\n"]
    assert world.store.evidence(plan_id) == []


def test_what_got_lost_is_asked_for_again(world: OneThreadWorld) -> None:
    """B-046: from the first chunk that is missing, also while the step runs; then it is asked no more."""
    asked = answering(world, 4)
    world.ground.hosts.default = printing(*chunks(0, 3))
    plan_id = install(world)
    assert said(world, plan_id) == ["0\n"]

    world.advance(10)

    assert said(world, plan_id) == ["0\n", "1\n", "2\n", "3\n"]
    assert asked == [1]
    world.advance(60)
    assert len(asked) == 1
    assert world.store.evidence(plan_id) == []


def test_a_restart_of_the_executor_asks_for_what_the_one_before_missed(world: OneThreadWorld) -> None:
    """B-046: what is missing is known from the database."""
    world.ground.hosts.default = printing(*chunks(0), result(chunks=3, output_bytes=6))
    plan_id = install(world)
    world.restart()
    asked = answering(world, 3)

    world.advance(10)

    assert said(world, plan_id) == ["0\n", "1\n", "2\n"]
    assert asked == [1]


def test_a_host_that_has_the_chunks_no_more_is_asked_a_few_times_and_the_gap_is_told(
    world: OneThreadWorld,
) -> None:
    """B-046: with its size, and what came after it is shown."""
    asked = answering(world, 0)
    world.ground.hosts.default = printing(*chunks(0, 5), result(chunks=6, output_bytes=12))
    plan_id = install(world)

    for _ in range(30):
        world.advance(10)

    assert asked == [1] * 5
    first, last = pieces(world, plan_id)
    assert (first.text, last.text, last.lost, last.left_out) == ("0\n", "5\n", 4, 8)


def test_output_of_somebody_who_was_not_asked_is_evidence(world: OneThreadWorld) -> None:
    """B-046, R-030: of another host, and of no request."""
    world.ground.hosts.default = printing(*chunks(0))
    plan_id = install(world)
    world.ground.hosts.say(output(1, "mine\n"), host="web2")
    world.ground.hosts.say(output(0, "mine\n"), request=UUID(int=7))
    world.drain()

    assert said(world, plan_id) == ["0\n"]
    assert [each.why for each in world.store.evidence(plan_id)] == ["foreign"]


def test_output_that_reaches_another_executor_gets_to_the_owner_of_the_plan() -> None:
    """B-046, I-4."""
    with ExitStack() as stack:
        owner = stack.enter_context(OneThreadWorld())
        owner.ground.hosts.default = silence
        plan_id = install(owner)
        other = stack.enter_context(OneThreadWorld(ground=owner.ground))
        assert other.executor is not None
        owner.ground.hosts.say(output(0, "hello\n"), to=other.executor.world.token)
        owner.ground.drain()
        owner.advance(1)

        assert said(owner, plan_id) == ["hello\n"]


def test_a_command_without_output_costs_no_statement_more(world: OneThreadWorld) -> None:
    """B-046: nothing is read or written of output."""
    world.ground.hosts.default = ok()
    install(world)
    statements: list[str] = []
    for engine in (world.store._database.writer, world.store._database.reader):
        event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    world.store._database.writer.dispose()

    install(world)

    assert not [each for each in statements if "host_outputs" in each or "parked" in each]


def test_a_request_says_how_much_output_it_wants(world: OneThreadWorld) -> None:
    world.ground.hosts.default = ok()
    install(world)

    body = world.ground.hosts.requests[-1].body
    assert isinstance(body, RequestBody)
    assert body.output_cap == 256 * 1024
