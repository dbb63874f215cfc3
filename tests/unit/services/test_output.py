"""Output read by cursor, in pages of bounded size."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from mcoflow.errors import PlanNotFoundError, QueryInvalidError
from mcoflow.services.output import Output, OutputPage, size_words
from mcoflow.testing import OneThreadWorld
from mcoflow.testing.hosts import accepted, output, progress, result
from mcoflow.wire.messages import Body
from tests.unit.engine.play import Install


@pytest.fixture
def world() -> Iterator[OneThreadWorld]:
    with OneThreadWorld() as opened:
        yield opened


def printing(world: OneThreadWorld, *texts: str, end: bool = True, **told: object) -> tuple[Output, UUID]:
    """Have a host print these, one chunk each, on two streams in turn."""
    ends = {"stdout": 0, "stderr": 0}
    bodies: list[Body] = []
    for seq, text in enumerate(texts):
        stream = "stderr" if seq % 2 else "stdout"
        bodies.append(output(seq, text, stream=stream, offset=ends[stream]))
        ends[stream] += len(text.encode())
    fields: dict[str, Any] = {"chunks": len(texts), "output_bytes": sum(ends.values()), **told}
    bodies += [result(**fields)] if end else []
    world.ground.hosts.default = lambda _request: [accepted(), progress(), *bodies]
    return Output(world.store), world.run(Install, host="web1", package="nginx").id


def texts(page: OutputPage) -> list[str]:
    return [item.text for item in page.items]


def test_all_pages_together_have_each_piece_once_in_order(world: OneThreadWorld) -> None:
    """W-036: by cursor, the same while it runs and afterwards."""
    service, plan_id = printing(world, *(f"{n}\n" for n in range(5)), end=False)
    page, read = service.read(plan_id, host="web1", limit=2), []
    read += texts(page)
    assert (page.more, page.complete) == (True, False)
    while page.more:
        page = service.read(plan_id, host="web1", limit=2, after=page.next)
        read += texts(page)
    assert read == [f"{n}\n" for n in range(5)]
    assert (page.more, page.complete) == (False, False)
    assert texts(service.read(plan_id, after=page.next)) == []

    world.ground.hosts.say(output(5, "end\n", offset=6))
    world.ground.hosts.say(result(chunks=6, output_bytes=14))
    world.drain()
    page = service.read(plan_id, host="web1", after=page.next)

    assert texts(page) == ["end\n"]
    assert (page.more, page.complete, page.kept, page.printed) == (False, True, 14, 14)
    assert [*read, *texts(page)] == texts(service.read(plan_id, step_id=2))


def test_a_page_is_bounded_in_bytes_and_read_back_from_its_end(world: OneThreadWorld) -> None:
    """W-036: the newest first, and older ones behind them."""
    service, plan_id = printing(world, *("x" * 1000 for _ in range(9)), "end")
    page = service.read(plan_id, before="", tail=10_000, size=3_500)
    assert len(page.items) == 4
    assert page.items[-1].text == "end"

    older = service.read(plan_id, before=page.previous, size=2_000)
    assert [item.seq for item in older.items] == [page.items[0].seq - 2, page.items[0].seq - 1]
    assert service.read(plan_id, before=older.previous).previous == ""
    assert len(service.read(plan_id, size=1).items) == 1


def test_the_last_lines_are_found_from_behind(world: OneThreadWorld) -> None:
    service, plan_id = printing(world, "1\n2\n3\n", "4\n5\n", "6\n7")

    assert texts(service.read(plan_id, tail=1)) == ["6\n7"]
    assert texts(service.read(plan_id, tail=3)) == ["4\n5\n", "6\n7"]
    assert texts(service.read(plan_id, tail=5)) == ["1\n2\n3\n", "4\n5\n", "6\n7"]
    assert texts(service.read(plan_id, tail=0)) == []
    assert texts(service.read(plan_id, tail=99)) == ["1\n2\n3\n", "4\n5\n", "6\n7"]


def test_streams_are_read_apart(world: OneThreadWorld) -> None:
    service, plan_id = printing(world, "out\n", "err\n", "out\n")

    assert texts(service.read(plan_id, streams=["stderr"])) == ["err\n"]
    assert texts(service.read(plan_id, streams=["stdout", "log"])) == ["out\n", "out\n"]


def test_what_is_missing_is_named_with_its_size(world: OneThreadWorld) -> None:
    """B-045, W-036: with the true size."""
    service, plan_id = printing(world, "head\n", truncated=True, output_bytes=2**30)

    assert service.read(plan_id).notes == ["cut: 5 B of 1.0 GiB are kept, its beginning and its end"]
    assert [size_words(n) for n in (1023, 2048, 300 * 2**20)] == ["1023 B", "2.0 KiB", "300 MiB"]


def test_what_there_is_not_is_told(world: OneThreadWorld) -> None:
    service, plan_id = printing(world)
    assert texts(service.read(plan_id, host="web1")) == []
    with pytest.raises(PlanNotFoundError):
        service.read(uuid4())
    with pytest.raises(PlanNotFoundError, match="step on web9"):
        service.read(plan_id, host="web9")
    with pytest.raises(PlanNotFoundError):
        service.read(plan_id, step_id=99)
    with pytest.raises(QueryInvalidError, match="no stream"):
        service.read(plan_id, streams=["stdin"])
    with pytest.raises(QueryInvalidError, match="no cursor"):
        service.read(plan_id, after="-1")
