"""What hosts declare of their operations: kept once for all hosts that declare the same."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from mcoflow.domain.records import JsonObject


@dataclass(frozen=True, slots=True)
class Declared:
    """One set of operations by key, like `package.install`, and how many hosts have it."""

    digest: str
    operations: JsonObject
    hosts: int


class DeclarationStore(Protocol):
    """The part of a store that keeps declarations; they are written with the hosts that told them."""

    def declared_digests(self) -> Collection[str]:
        """The digests of all declarations that are stored."""


class DeclarationReader(Protocol):
    """The part of a reader that knows declarations."""

    def declarations(self) -> Sequence[Declared]:
        """All declarations that a host has now, the most usual first."""

    def hosts_declaring(self, digests: Collection[str]) -> Sequence[tuple[str, str]]:
        """The hosts that have one of these declarations, by name, with its digest."""
