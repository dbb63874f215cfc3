"""What every store promises of the output of hosts: in order, each chunk once, gaps told, within bounds."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID, uuid4

from mcoflow.clock import SystemClock
from mcoflow.domain.chunks import Chunk
from mcoflow.domain.output import HostChunk, OutputEnd, OutputScope, OutputSizes, Piece
from mcoflow.domain.requests import RequestRecord
from mcoflow.domain.states import StepState
from mcoflow.ports.output import NewChunks
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import WholeStore, living_world, moved, owned, request

AN_HOUR = 3600.0


def asked(store: WholeStore, hosts: int = 1) -> RequestRecord:
    """Return a request of the first step of a new plan."""
    plan = owned(store, living_world(store), hosts).plan
    new = request(plan.id)
    store.commit(Changes(plans=[plan], new_requests=[new]))
    return new


def chunk(
    of: RequestRecord, seq: int, text: str = "", *, stream: str = "stdout", offset: int = -1
) -> HostChunk:
    """Return a chunk that says its own number, as if each took two bytes of its stream."""
    start = 2 * seq if offset < 0 else offset
    return HostChunk(of.plan_id, of.id, seq, stream, start, text or f"{seq}\n", 7.0 + seq)


def end(of: RequestRecord, chunks: int, size: int = 0) -> OutputEnd:
    """Return what a host says at the end."""
    return OutputEnd(of.plan_id, of.id, chunks, size or 2 * chunks, truncated=False)


def scope(of: RequestRecord) -> OutputScope:
    """Return the whole plan."""
    return OutputScope(of.plan_id)


def numbers(store: WholeStore, of: RequestRecord) -> list[int | None]:
    """Return the numbers of the chunks as they are read."""
    return [piece.seq for piece in store.output(scope(of))]


def given_up(store: WholeStore, at: float) -> Sequence[UUID]:
    """Look for gaps until one is given up."""
    for hour in range(1, 20):
        found = store.claim_gaps(at + hour * AN_HOUR)
        if found.given_up:
            return found.given_up
    raise AssertionError("it is asked for ever")


class OutputContract:
    """B-045, B-046 and W-036, as far as the database has to do with them."""

    def test_chunks_are_read_in_the_order_in_which_the_host_printed_them(self, store: WholeStore) -> None:
        """R-030: out of order, doubled, over several batches; each once, by its number."""
        sent = asked(store)
        for batch in ([0, 3], [3, 2, 0], [1, 1], [4], [4, 0, 2]):
            store.commit(Changes(host_chunks=[chunk(sent, seq) for seq in batch]))
        store.commit(Changes(output_ends=[end(sent, 5)]))

        found = store.output(scope(sent))

        assert [(piece.seq, piece.text) for piece in found] == [(seq, f"{seq}\n") for seq in range(5)]
        assert [piece.at.timestamp() for piece in found] == [7.0, 8.0, 9.0, 10.0, 11.0]
        assert {(piece.host, piece.step_id, piece.lost, piece.left_out) for piece in found} == {
            ("web1", 2, 0, 0)
        }
        assert store.output_sizes(scope(sent)) == OutputSizes(kept=10, printed=10)

    def test_a_reader_by_cursor_gets_each_chunk_once_whatever_the_order_of_arrival(
        self, store: WholeStore
    ) -> None:
        """W-036: the same while it runs and afterwards."""
        sent = asked(store)
        read: list[Piece] = []
        for batch in ([1], [0], [3, 4], [6], [2], [5]):
            store.commit(Changes(host_chunks=[chunk(sent, seq) for seq in batch]))
            while page := store.output(scope(sent), after=read[-1].number if read else 0, limit=2):
                read += page

        assert [piece.seq for piece in read] == list(range(7))
        assert read == list(store.output(scope(sent)))
        assert store.output(scope(sent), before=read[4].number, limit=3) == read[1:4]

    def test_missing_chunks_are_asked_for_a_few_times_with_growing_pauses(self, store: WholeStore) -> None:
        """B-046: from the first that is missing; what came after it waits for it."""
        sent = asked(store)
        store.commit(Changes(host_chunks=[chunk(sent, seq) for seq in (0, 2)], output_ends=[end(sent, 4)]))
        now = SystemClock().now().timestamp()
        assert numbers(store, sent) == [0]
        early = store.claim_gaps(now)
        assert early.asked == ()
        assert early.next_at is not None
        times: list[float] = []
        while found := store.claim_gaps(early.next_at + sum(times)):
            if found.given_up:
                break
            assert [(gap.request_id, gap.host, gap.seq) for gap in found.asked] == [(sent.id, "web1", 1)]
            assert found.next_at is not None
            times.append(found.next_at - early.next_at - sum(times))

        assert len(times) == 5
        assert times == sorted(times)
        assert times[-1] > 4 * times[0]

    def test_a_gap_is_told_with_its_size_once_it_is_given_up(self, store: WholeStore) -> None:
        """B-046: what came after it can be read then, and nothing is asked any more."""
        sent = asked(store)
        store.commit(
            Changes(host_chunks=[chunk(sent, 0), chunk(sent, 3, offset=500)], output_ends=[end(sent, 6, 900)])
        )
        assert store.output_sizes(scope(sent)).waited_for == 1

        assert given_up(store, SystemClock().now().timestamp()) == [sent.plan_id]

        told = [(piece.seq, piece.text, piece.lost, piece.left_out) for piece in store.output(scope(sent))]
        assert told == [(0, "0\n", 0, 0), (3, "3\n", 2, 498), (None, "", 2, 398)]
        assert store.output_sizes(scope(sent)) == OutputSizes(kept=4, printed=900, lost=4)
        assert store.claim_gaps(SystemClock().now().timestamp() + 99 * AN_HOUR).next_at is None

    def test_chunks_that_come_after_they_were_given_up_are_attached_once(self, store: WholeStore) -> None:
        sent = asked(store)
        store.commit(Changes(host_chunks=[chunk(sent, 2)], output_ends=[end(sent, 3)]))
        given_up(store, SystemClock().now().timestamp())
        assert numbers(store, sent) == [2]

        for _ in range(2):
            store.commit(Changes(host_chunks=[chunk(sent, 1), chunk(sent, 2)]))

        assert numbers(store, sent) == [2, 1]
        assert store.output_sizes(scope(sent)).lost == 1

    def test_what_a_host_left_out_between_head_and_tail_is_counted_in_its_stream(
        self, store: WholeStore
    ) -> None:
        """B-045: true byte counts, each stream by itself."""
        sent = asked(store)
        left = replace(end(sent, 3, 1_000_010), truncated=True)
        told = [
            chunk(sent, 0, "head", offset=0),
            chunk(sent, 1, "oh", stream="stderr", offset=0),
            chunk(sent, 2, "tail", offset=1_000_004),
        ]
        store.commit(Changes(host_chunks=told, output_ends=[left]))

        assert [piece.left_out for piece in store.output(scope(sent))] == [0, 0, 1_000_000]
        assert store.output_sizes(scope(sent)) == OutputSizes(kept=10, printed=1_000_010, truncated=1)

    def test_a_host_cannot_fill_the_database(self, store: WholeStore) -> None:
        """B-045: 4 MiB of each step, empty chunks included; the rest is dropped and not asked for."""
        sent = asked(store)
        big = "x" * 32_000
        for first in range(0, 200, 50):
            store.commit(Changes(host_chunks=[chunk(sent, seq, big) for seq in range(first, first + 50)]))
        store.commit(Changes(output_ends=[end(sent, 200, 9_000_000)]))

        sizes = store.output_sizes(scope(sent))
        assert 4_000_000 < sizes.kept <= 4 * 1024 * 1024
        assert (sizes.printed, sizes.cut, sizes.lost, sizes.waited_for) == (9_000_000, 1, 0, 0)
        assert len(store.output(scope(sent), limit=500)) == sizes.kept // len(big)

    def test_output_is_read_of_a_host_of_an_action_and_of_streams(self, store: WholeStore) -> None:
        first = asked(store, hosts=3)
        plan = store.plan(first.plan_id)
        second = replace(request(plan.id, 4), host="web2")
        store.commit(Changes(plans=[plan], new_requests=[second]))
        store.commit(
            Changes(
                plans=[replace(plan, version=plan.version + 1)],
                host_chunks=[chunk(first, 0), chunk(second, 0), chunk(second, 1, stream="stderr")],
                new_chunks=[NewChunks(plan.id, 2, [Chunk("itself")], 1.0)],
            )
        )

        of_host = store.output(OutputScope(plan.id, host="web2"))
        assert sorted((piece.text, piece.stream) for piece in of_host) == [
            ("0\n", "stdout"),
            ("1\n", "stderr"),
            ("itself", "stdout"),
        ]
        assert {(piece.host, piece.step_id) for piece in of_host} == {("web2", 4)}
        assert store.output(OutputScope(plan.id, action_id=2)) == of_host
        assert [piece.text for piece in store.output(OutputScope(plan.id), streams=["stderr"])] == ["1\n"]
        assert store.output(OutputScope(plan.id, host="web3")) == []
        assert store.output_sizes(OutputScope(plan.id, host="web2")).kept == 4
        assert [each.text for each in store.chunks(plan.id, 2)] == ["itself"]

    def test_it_is_open_until_the_step_has_ended_and_nothing_is_asked_for(self, store: WholeStore) -> None:
        snapshot = owned(store, living_world(store), 2)
        sent = request(snapshot.plan.id)
        store.commit(Changes(plans=[snapshot.plan], new_requests=[sent]))
        of_host = OutputScope(sent.plan_id, host="web1")
        assert store.output_open(of_host)
        store.commit(Changes(plans=[snapshot.plan], steps=[moved(snapshot, 2, StepState.SUCCESS)]))
        assert not store.output_open(of_host)
        assert store.output_open(scope(sent))

        store.commit(Changes(output_ends=[end(sent, 1)]))
        assert store.output_open(of_host)
        store.commit(Changes(host_chunks=[chunk(sent, 0)]))
        assert not store.output_open(of_host)

    def test_output_of_nobody_is_dropped_and_that_of_a_plan_goes_with_it(self, store: WholeStore) -> None:
        sent = asked(store)
        stray = replace(chunk(sent, 0), request_id=uuid4())
        store.commit(Changes(host_chunks=[stray, chunk(sent, 0), chunk(sent, 2)]))
        assert numbers(store, sent) == [0]
        plan = store.plan(sent.plan_id)
        (dumped,) = store.dump_plans([plan.id])
        assert [len(dumped[name]) for name in ("chunks", "host_outputs", "parked_chunks")] == [1, 1, 1]
