"""B-041: who does not offer what is about to be asked for is known before anything runs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mcoflow.clock import SystemClock
from mcoflow.domain.requests import HostRecord
from mcoflow.errors import InputInvalidError
from mcoflow.services.offers import Lacking, Offers, check_somebody_offers
from mcoflow.storage import SqlStore, open_store
from tests.statements import counted

MANY = 10_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStore]:
    """10,000 hosts that all offer a.x; b.y only those of an even number; and one that told nothing yet."""
    root: Path = tmp_path_factory.mktemp("offers")
    opened = open_store(f"sqlite:///{root}/x.db", SystemClock())
    both, one = {"a.x": {}, "b.y": {}}, {"a.x": {}, "b.z": {}}
    opened.save_hosts(
        [
            HostRecord(f"h{n:05}", operations=one if n % 2 else both, operations_digest="1" if n % 2 else "2")
            for n in range(MANY)
        ]
        + [HostRecord("new", operations_digest="3")]
    )
    yield opened
    opened.close()


def test_of_10_000_hosts_those_that_lack_it_are_found_in_two_statements(store: SqlStore) -> None:
    """No question for each host."""
    names = [f"h{n:05}" for n in range(MANY)]

    with counted() as seen:
        found = Offers(store).lacking(["b.y", "a.x"], names)

    assert len(seen) == 2
    (lacking,) = found
    assert (lacking.operations, len(lacking.hosts), lacking.asked) == (["b.y"], MANY // 2, MANY)
    assert lacking.words == (
        "5000 of 10000 hosts do not offer b.y: h00001, h00003, h00005, h00007, h00009 and 4995 more"
    )


def test_what_all_offer_takes_no_look_at_the_hosts(store: SqlStore) -> None:
    assert Offers(store).lacking(["a.x"], ["h00001", "h00002"]) == []
    assert Offers(store).lacking([], ["h00001"]) == []


def test_who_told_nothing_yet_may_have_it(store: SqlStore) -> None:
    """The agent itself refuses it then, in words."""
    assert Offers(store).lacking(["c.never"], ["new", "nobody"]) == []


def test_only_if_nobody_offers_it_there_is_nothing_to_run(store: SqlStore) -> None:
    some = Offers(store).lacking(["b.y"], ["h00001", "h00002"])
    none = Offers(store).lacking(["b.y"], ["h00001"])

    check_somebody_offers(some)
    with pytest.raises(InputInvalidError, match=r"1 of 1 host does not offer b\.y: h00001: name b in"):
        check_somebody_offers(none)
    assert not Lacking(["b.y"], [], 0).nobody
