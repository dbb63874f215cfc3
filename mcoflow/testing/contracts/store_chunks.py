"""Chunks: append-only output of steps, written with the batch that made it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mcoflow.domain.chunks import Chunk
from mcoflow.errors import LeaseLostError
from mcoflow.ports.output import NewChunks
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, living_world, owned

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class ChunksContract:
    """What actions say comes back in order, and page by page."""

    def test_chunks_come_back_in_order_for_each_action(self, store: WholeStore) -> None:
        plan = owned(store, living_world(store), hosts=2).plan
        for number in range(3):
            said = [
                NewChunks(plan.id, action_id, [Chunk(f"{action_id}.{number}.{part}") for part in "ab"], 7.5)
                for action_id in (1, 2)
            ]
            store.commit(Changes(plans=[plan], new_chunks=said))

        found = store.chunks(plan.id, 2)

        texts = [f"2.{number}.{part}" for number in range(3) for part in "ab"]
        assert [chunk.text for chunk in found] == texts
        numbers = [chunk.number for chunk in found]
        assert numbers == sorted(set(numbers))
        assert {(chunk.stream, chunk.at) for chunk in found} == {("stdout", datetime.fromtimestamp(7.5, UTC))}

    def test_a_chunk_may_have_a_time_and_any_text(self, store: WholeStore) -> None:
        plan = owned(store, living_world(store)).plan
        said = [Chunk("né\n\0\ud800", "stderr", NOON), Chunk("")]
        store.commit(Changes(plans=[plan], new_chunks=[NewChunks(plan.id, 1, said, 0.0)]))

        first, second = store.chunks(plan.id, 1)

        assert (first.stream, first.at) == ("stderr", NOON)
        assert first.text.startswith("né\n\ufffd\ufffd")
        assert second.text == ""

    def test_chunks_are_read_on_from_a_cursor(self, store: WholeStore) -> None:
        plan = owned(store, living_world(store)).plan
        said = [Chunk(str(number)) for number in range(10)]
        store.commit(Changes(plans=[plan], new_chunks=[NewChunks(plan.id, 1, said, 0.0)]))

        read, after = [], 0
        while page := store.chunks(plan.id, 1, after=after, limit=4):
            assert len(page) <= 4
            read += [chunk.text for chunk in page]
            after = page[-1].number

        assert read == [str(number) for number in range(10)]
        assert store.chunks(plan.id, 3) == []

    def test_dropped_chunks_are_gone_and_those_of_the_same_batch_stay(self, store: WholeStore) -> None:
        plan = owned(store, living_world(store), hosts=2).plan
        for action_id in (1, 2):
            said = NewChunks(plan.id, action_id, [Chunk("old")], 0.0)
            store.commit(Changes(plans=[plan], new_chunks=[said]))

        said = NewChunks(plan.id, 1, [Chunk("new")], 0.0)
        store.commit(Changes(plans=[plan], dropped_chunks=[(plan.id, 1)], new_chunks=[said]))

        assert [chunk.text for chunk in store.chunks(plan.id, 1)] == ["new"]
        assert [chunk.text for chunk in store.chunks(plan.id, 2)] == ["old"]

    def test_chunks_of_a_lost_plan_are_not_written(self, store: WholeStore) -> None:
        plan = owned(store, living_world(store)).plan
        said = NewChunks(plan.id, 1, [Chunk("too late")], 0.0)

        with pytest.raises(LeaseLostError):
            store.commit(Changes(plans=[replace(plan, epoch=plan.epoch + 1)], new_chunks=[said]))

        assert store.chunks(plan.id, 1) == []
