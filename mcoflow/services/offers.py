"""Which hosts do not offer what they are about to be asked for; told before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mcoflow.errors import InputInvalidError
from mcoflow.ports.declarations import DeclarationReader, Declared

_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class Lacking:
    """These of `asked` hosts do not offer the operations: they would refuse them."""

    operations: Sequence[str]
    hosts: Sequence[str]
    asked: int

    @property
    def nobody(self) -> bool:
        """Whether no host that is meant offers it."""
        return len(self.hosts) == self.asked > 0

    @property
    def words(self) -> str:
        """`3 of 40 hosts do not offer command.run: web1, web2, web3`."""
        hosts, verb = "host" if self.asked == 1 else "hosts", "does" if len(self.hosts) == 1 else "do"
        who = f"{len(self.hosts)} of {self.asked} {hosts} {verb}"
        return f"{who} not offer {', '.join(self.operations)}: {first_of(self.hosts)}"

    @property
    def way_out(self) -> str:
        """What to do about it."""
        agents = dict.fromkeys(name.partition(".")[0] for name in self.operations)
        return f"name {', '.join(agents)} in [agent] agents there, or leave them out"


def first_of(names: Sequence[str]) -> str:
    """Return `web1, web2, web3, web4, web5 and 3 more`."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


class Offers:
    """Compares what is asked for with what hosts declare; in two statements, whatever their number."""

    def __init__(self, reader: DeclarationReader) -> None:
        self._reader = reader

    def lacking(self, operations: Collection[str], hosts: Sequence[str]) -> Sequence[Lacking]:
        """Return which hosts declare other operations only. Who told nothing yet may have these."""
        declared = self._reader.declarations() if operations and hosts else ()
        without = {name: _without(name, declared) for name in operations}
        digests = {digest for each in without.values() for digest in each}
        told = dict(self._reader.hosts_declaring(digests)) if digests else {}
        found = [
            Lacking([name], [host for host in hosts if told.get(host) in without[name]], len(hosts))
            for name in sorted(operations)
        ]
        return _together(each for each in found if each.hosts)


def _together(lacking: Iterable[Lacking]) -> Sequence[Lacking]:
    """Tell of the same hosts once, with all that they do not offer."""
    names: dict[tuple[str, ...], dict[str, None]] = {}
    asked = 0
    for each in lacking:
        names.setdefault(tuple(each.hosts), {}).update(dict.fromkeys(each.operations))
        asked = each.asked
    return [Lacking(list(operations), hosts, asked) for hosts, operations in names.items()]


def check_somebody_offers(lacking: Sequence[Lacking]) -> None:
    """Raise InputInvalidError if no host that is meant offers what it would be asked for."""
    for each in lacking:
        if each.nobody:
            raise InputInvalidError(f"{each.words}: {each.way_out}")


def _without(operation: str, declared: Sequence[Declared]) -> frozenset[str]:
    return frozenset(
        each.digest for each in declared if not isinstance(each.operations.get(operation), Mapping)
    )
