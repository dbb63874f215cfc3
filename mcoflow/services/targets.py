"""Whom a target means, before anything runs; and the groups that people give names to."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mcoflow.domain.choice import Choice
from mcoflow.domain.groups import GroupRecord
from mcoflow.domain.presence import Presence
from mcoflow.domain.target import Everybody, FactTest
from mcoflow.domain.target_match import fact_at
from mcoflow.engine.targets import HostFinder
from mcoflow.ports.engine import Engine
from mcoflow.services.times import certain_moment

NAMED: Final = 20
"""Hosts that a preview names."""


@dataclass(frozen=True, slots=True)
class MeantHost:
    """A host that a target means; `chosen`: it is among those that a limit leaves."""

    name: str
    presence: Presence
    simulated: bool
    last_seen: datetime
    chosen: bool


@dataclass(frozen=True, slots=True)
class Preview:
    """What would be done where: `expected` hosts, of `matched` that the target means; always counted.

    `online`, `late`, `offline` and `simulated` are parts of the expected; `hosts` the first of them.
    `unknown`: names in the target that no host has.
    """

    target: str
    matched: int
    expected: int
    online: int
    late: int
    offline: int
    simulated: int
    hosts: Sequence[MeantHost]
    unknown: Sequence[str] = ()

    def words(self) -> str:
        """Return one line: `10 of 120 hosts: 8 online, 2 offline`."""
        number = f"{self.expected} of {self.matched}" if self.expected < self.matched else str(self.matched)
        parts = ((self.online, "online"), (self.late, "late"), (self.offline, "offline"))
        said = ", ".join(f"{count} {word}" for count, word in parts if count)
        simulated = f" ({self.simulated} simulated)" if self.simulated else ""
        return f"{number} {'host' if self.matched == 1 else 'hosts'}{': ' if said else ''}{said}{simulated}"


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group, and when it was last changed."""

    name: str
    target: str
    user: str
    changed_at: datetime


def unknown_words(names: Sequence[str]) -> str:
    """Return `no admitted host is called wbe1, wbe2`, or nothing."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"no admitted host is called {', '.join(names[:NAMED])}{more}" if names else ""


class Targets:
    """The use cases of targets. What is wrong with a target is a TargetError, with the place in the text."""

    def __init__(self, engine: Engine, finder: HostFinder) -> None:
        self._engine = engine
        self._finder = finder

    def preview(self, target: str, choice: Choice | None = None, *, named: int = NAMED) -> Preview:
        """Tell whom a target means now; TargetInvalidError, GroupNotFoundError."""
        matched = self.find(target, choice)
        hosts = [host for host in matched if host.chosen]
        stand = Counter(host.presence for host in hosts)
        return Preview(
            target=target,
            matched=len(matched),
            expected=len(hosts),
            online=stand[Presence.ONLINE],
            late=stand[Presence.LATE],
            offline=stand[Presence.OFFLINE],
            simulated=sum(host.simulated for host in hosts),
            hosts=hosts[:named],
            unknown=self.unknown(target),
        )

    def unknown(self, target: str) -> Sequence[str]:
        """Return the names in a target that no host has which was let in: mistyped ones, mostly.

        Raises as `preview` does.
        """
        return self._finder.unknown(target)

    def find(self, target: str, choice: Choice | None = None) -> Sequence[MeantHost]:
        """Return all hosts that a target means now, by name; TargetInvalidError, GroupNotFoundError."""
        found = self._finder.find(target, choice)
        chosen = set(found.chosen)
        return [
            MeantHost(
                name=host.identity,
                presence=presence,
                simulated=host.simulated,
                last_seen=certain_moment(host.last_seen),
                chosen=host.identity in chosen,
            )
            for host, presence in found.hosts
        ]

    def untold(self, target: str) -> Sequence[str]:
        """Return the facts that a target asks for and no host tells: mistyped ones, mostly.

        It reads the facts of all hosts, so ask only where a target means none. Raises as `preview` does.
        """
        leaves = self._finder.read(target).leaves()
        asked = dict.fromkeys(leaf.path for leaf in leaves if isinstance(leaf, FactTest))
        for facts in self._finder.facts_of(Everybody()) if asked else ():
            asked = {path: None for path in asked if fact_at(facts, path) is None}
            if not asked:
                break
        return list(asked)

    def resolve(self, target: str, choice: Choice | None = None) -> Sequence[str]:
        """Return the names that are taken now; the errors of `preview`, and TargetEmptyError for none."""
        chosen = choice or Choice()
        limit = None if chosen.limit is None else str(chosen.limit)
        return self._finder.names(target, limit=limit, one=chosen.one, seed=chosen.seed)

    # -- groups -------------------------------------------------------------------------------------------

    def groups(self) -> Sequence[GroupView]:
        """All groups, in order of name."""
        return [_view(group) for group in self._engine.groups.all()]

    def group(self, name: str) -> GroupView:
        """One group; GroupNotFoundError."""
        return _view(self._engine.groups.get(name))

    def set_group(self, name: str, target: str, *, user: str) -> GroupView:
        """Let a name stand for a target.

        Raises:
            TargetInvalidError: the name or the target is none, or the group would be made of itself.
            GroupNotFoundError: the target names a group that there is not.
        """
        return _view(self._engine.groups.set(name, target, user=user))

    def remove_group(self, name: str) -> None:
        """Forget a group; GroupNotFoundError, GroupInUseError."""
        self._engine.groups.remove(name)


def _view(group: GroupRecord) -> GroupView:
    return GroupView(group.name, group.target, group.user, certain_moment(group.at))
