"""What a store promises of discoveries: one executor asks, the first answer stands, all hosts are counted."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from mcoflow.domain.discovery import AnswerRecord, Counting, DiscoveryRecord, MetHost, Standing
from mcoflow.errors import DiscoveryNotFoundError
from mcoflow.testing.contracts.samples import WholeStore, living_world


class DiscoveriesContract:
    """Discoveries and who answered."""

    def test_a_discovery_is_kept_as_it_is_for_a_while(self, store: WholeStore) -> None:
        record = _asked(store, target="os.id='déb\0ian'", filter={"all": True})

        assert store.discovery(record.id) == replace(record, target="os.id='déb\ufffdian'")
        assert store.count_met(record.id) == Counting()
        assert list(store.waiting_discoveries()) == [record.id]

        store.save_answers([AnswerRecord(record.id, "web1", 11.0)])
        later = _asked(store, asked_at=50.0, forget_before=20.0)
        assert list(store.waiting_discoveries()) == [later.id]
        assert store.count_met(record.id) == Counting()
        with pytest.raises(DiscoveryNotFoundError):
            store.discovery(record.id)

    def test_one_living_executor_has_a_discovery(self, store: WholeStore) -> None:
        record, worlds = _asked(store), [living_world(store) for _ in range(4)]

        with ThreadPoolExecutor(4) as threads:
            claimed = list(threads.map(lambda world: store.claim_discovery(record.id, world), worlds))

        (found,) = [each for each in claimed if each is not None]
        assert found == replace(record, executor=found.executor)
        assert list(store.waiting_discoveries()) == []

    def test_what_a_dead_executor_asked_is_taken_up_and_not_ended_by_the_dead(
        self, store: WholeStore
    ) -> None:
        record, dead, heir = _asked(store), living_world(store), living_world(store)
        assert store.claim_discovery(record.id, dead)
        assert store.begin_discovery(record.id, dead, 11.0)
        store.expire_world(dead)

        assert list(store.waiting_discoveries()) == [record.id]
        assert store.claim_discovery(record.id, heir) == replace(record, executor=heir, begun_at=11.0)
        assert not store.begin_discovery(record.id, dead, 12.0)
        assert not store.end_discovery(record.id, dead, 12.0)
        assert store.begin_discovery(record.id, heir, 12.0)
        assert store.end_discovery(record.id, heir, 13.0, problem="tired\0", foreign=2)

        ended = store.discovery(record.id)
        assert (ended.begun_at, ended.ended_at, ended.problem, ended.foreign) == (
            11.0,
            13.0,
            "tired\ufffd",
            2,
        )
        assert not store.end_discovery(record.id, heir, 14.0)
        assert store.claim_discovery(record.id, heir) is None
        assert list(store.waiting_discoveries()) == []

    def test_every_host_stands_in_one_way_and_the_first_answer_counts(self, store: WholeStore) -> None:
        """B-059: expected = answered + offline + silent."""
        record, world = _begun(store)
        expected = [MetHost(f"web{number}", True, number > 5) for number in range(1, 8)]
        store.expect_hosts(record.id, expected)
        store.expect_hosts(record.id, expected[:2])  # again, by an heir
        answers = [
            AnswerRecord(record.id, name, at) for name, at in (("web2", 2.5), ("web1", 2.5), ("new", 2.0))
        ]
        store.save_answers(answers)
        store.save_answers([replace(answers[0], at=9.0), AnswerRecord(record.id, "web7", 3.0)])

        assert store.count_met(record.id) == Counting(8, answered=4, offline=1, silent=3, added=1)
        answered = store.met_hosts(record.id, Standing.ANSWERED)
        assert [(each.identity, each.known, each.answered_at) for each in answered] == [
            ("new", False, 2.0),
            ("web1", True, 2.5),
            ("web2", True, 2.5),
            ("web7", True, 3.0),
        ]
        assert store.met_hosts(record.id, Standing.ANSWERED, after=(2.5, "web1"), limit=1) == [answered[2]]
        assert _named(store, record.id, Standing.OFFLINE) == ["web6"]
        assert _named(store, record.id, Standing.SILENT) == ["web3", "web4", "web5"]
        assert [each.identity for each in store.met_hosts(record.id, Standing.SILENT, after=(0, "web3"))] == [
            "web4",
            "web5",
        ]

        store.end_discovery(record.id, world, 9.0, offline=["web3", "web1"], connected=["web6"])
        assert _named(store, record.id, Standing.OFFLINE) == ["web3"]
        assert _named(store, record.id, Standing.SILENT) == ["web4", "web5", "web6"]
        assert store.count_met(record.id) == Counting(8, answered=4, offline=1, silent=3, added=1)


def _asked(store: WholeStore, *, forget_before: float = 0.0, **changed: object) -> DiscoveryRecord:
    record = DiscoveryRecord(uuid4(), "all", {"all": True}, window=2.0, user="ann", asked_at=10.0)
    record = replace(record, **changed)  # type: ignore[arg-type]
    store.add_discovery(record, forget_before=forget_before)
    return record


def _begun(store: WholeStore) -> tuple[DiscoveryRecord, UUID]:
    record, world = _asked(store), living_world(store)
    assert store.claim_discovery(record.id, world)
    assert store.begin_discovery(record.id, world, 1.0)
    return record, world


def _named(store: WholeStore, discovery_id: UUID, standing: Standing) -> list[str]:
    return [each.identity for each in store.met_hosts(discovery_id, standing)]
