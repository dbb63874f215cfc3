"""Declared operations: what may be asked of whom, decided before anything is sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.presence import declared
from mcoflow.clock import SystemClock
from mcoflow.domain.requests import HostRecord
from mcoflow.errors import InputInvalidError, UnknownActionError
from mcoflow.services.operations import Operations
from mcoflow.storage import SqlStore, open_store

WEB = declared(LoadedCatalogue(("host", "package", "file")).operations())
DB = declared(LoadedCatalogue(("host", "package")).operations())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(f"sqlite:///{tmp_path}/x.db", SystemClock())
    web = [HostRecord(f"web{n}", operations=WEB, operations_digest="w") for n in range(7)]
    dbs = [HostRecord(f"db{n}", operations=DB, operations_digest="d") for n in range(9)]
    opened.save_hosts([*web, *dbs, HostRecord("new", operations_digest="n")])
    yield opened
    opened.close()


def asked(operation: str, *hosts: str, check: bool = False, **args: Any) -> dict[str, Any]:
    return {"hosts": list(hosts), "operation": operation, "args": args, **({"check": True} if check else {})}


def test_operations_are_told_as_most_hosts_have_them_with_how_many_do(store: SqlStore) -> None:
    found = {each.name: each for each in Operations(store).list()}

    assert found["host.ping"].hosts == 16
    assert found["file.read"].hosts == 7
    assert (found["file.read"].changes, found["file.read"].check) == (False, False)
    assert found["package.install"].timeout == 900
    assert list(found) == sorted(found)


def test_the_time_comes_from_the_declaration_unless_it_is_given(store: SqlStore) -> None:
    operations = Operations(store)

    assert operations.checked(asked("file.checksum", "web1", path="/x"))["timeout"] == 600
    assert operations.checked({**asked("file.checksum", "web1", path="/x"), "timeout": 5})["timeout"] == 5


def test_what_does_not_fit_is_named_with_what_is_expected(store: SqlStore) -> None:
    with pytest.raises(InputInvalidError) as refused:
        Operations(store).checked(asked("file.read", "web1", path="x", length=0))

    assert str(refused.value) == r"file.read: length: should be 1 or more; path: should match ^/[^\x00]*$"


def test_what_nobody_who_is_meant_offers_is_refused(store: SqlStore) -> None:
    dbs = [f"db{n}" for n in range(9)]

    with pytest.raises(InputInvalidError) as refused:
        Operations(store).checked(asked("file.read", *dbs, path="/x"))

    assert str(refused.value) == (
        "9 of 9 hosts do not offer file.read: db0, db1, db2, db3, db4 and 4 more: "
        "name file in [agent] agents there, or leave them out"
    )
    assert Operations(store).checked(asked("file.read", "web1", *dbs, path="/x"))


def test_hosts_that_told_nothing_yet_are_left_to_their_agents(store: SqlStore) -> None:
    assert Operations(store).checked(asked("file.read", "new", "never-seen", path="/x"))
    with pytest.raises(InputInvalidError, match="path: is missing"):
        Operations(store).checked(asked("file.read", "new"))


def test_an_operation_that_nobody_has_is_told_with_the_nearest(store: SqlStore) -> None:
    with pytest.raises(UnknownActionError, match=r"did you mean 'file\.checksum'"):
        Operations(store).show("file.checksums")
    with pytest.raises(UnknownActionError, match="action list --declared"):
        Operations(store).checked(asked("disk.usage", "web1"))


def test_what_cannot_predict_is_not_asked_to(store: SqlStore) -> None:
    assert Operations(store).checked(asked("package.install", "web1", check=True, package="nginx"))
    with pytest.raises(InputInvalidError, match="cannot predict"):
        Operations(store).checked(asked("file.read", "web1", check=True, path="/x"))


def test_other_actions_are_left_alone(store: SqlStore) -> None:
    given = {"hosts": ["web1"], "package": "nginx"}

    assert Operations(store).prepared("install", given) is given


def test_a_declaration_that_is_none_is_as_good_as_missing(store: SqlStore) -> None:
    """B-041: one host that declares nonsense spoils nothing for the others."""
    store.save_hosts([HostRecord("odd", operations={**WEB, "host.ping": "x"}, operations_digest="o")])

    with pytest.raises(InputInvalidError, match=r"1 of 1 host does not offer host\.ping: odd"):
        Operations(store).checked(asked("host.ping", "odd"))
    assert Operations(store).checked(asked("host.ping", "web1", "odd"))
