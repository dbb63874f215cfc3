"""Finding the hosts that a target means, in the host table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mcoflow.clock import Clock
from mcoflow.domain.choice import Choice
from mcoflow.domain.groups import GroupRecord, without_groups
from mcoflow.domain.presence import Presence, presence_of
from mcoflow.domain.requests import HostRecord
from mcoflow.domain.target import Key, Target, one_of
from mcoflow.domain.target_match import matcher
from mcoflow.domain.target_names import label
from mcoflow.errors import GroupInUseError, GroupNotFoundError, TargetEmptyError
from mcoflow.ports.targets import Candidate, TargetReader, TargetStore


@dataclass(frozen=True, slots=True)
class Found:
    """What a target means now: `hosts` in order of name with their presence, `chosen` the names to take."""

    target: str
    hosts: Sequence[tuple[HostRecord, Presence]]
    chosen: Sequence[str]


class HostFinder:
    """Finds admitted hosts. Thread-safe; nothing is kept between two calls."""

    def __init__(self, store: TargetReader, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def find(self, text: str, choice: Choice | None = None) -> Found:
        """Return whom a target means; TargetInvalidError, GroupNotFoundError."""
        hosts = self.matching(self.read(text))
        online = {host.identity for host, presence in hosts if presence is Presence.ONLINE}
        chosen = (choice or Choice()).among([host.identity for host, _ in hosts], online)
        return Found(text, hosts, chosen)

    def read(self, text: str) -> Target:
        """Return a target without groups; TargetInvalidError, GroupNotFoundError."""
        from mcoflow.domain.target_text import parse_target

        target = parse_target(text)
        return without_groups(target, self._store.groups()) if target.groups else target

    def matching(self, target: Target) -> Sequence[tuple[HostRecord, Presence]]:
        """Return the hosts that a target without groups means; facts are read if it asks for some."""
        means = matcher(target)
        candidates = self._store.candidates(facts=target.needs_facts)
        now = self._clock.now().timestamp()
        return [(each.host, presence_of(each.host, now)) for each in candidates if means(_Seen(each))]

    def unknown(self, text: str) -> Sequence[str]:
        """Return the names in a target that no admitted host has, sorted; raises as `read` does."""
        named = self.read(text).named
        if not named:
            return ()
        return sorted(named.difference(each.host.identity for each in self._store.candidates(facts=False)))

    def facts_of(self, target: Target) -> Iterator[Mapping[str, Any]]:
        """Yield what the hosts told of themselves that a target without groups means, by name."""
        means = matcher(target)
        for each in self._store.candidates(facts=True):
            seen = _Seen(each)
            if means(seen):
                yield seen.facts

    def names(
        self, target: str, *, limit: str | int | None = None, one: bool = False, seed: int | None = None
    ) -> Sequence[str]:
        """See WorldHandle.hosts_matching."""
        found = self.find(target, Choice.of(limit, one=one, seed=seed))
        if not found.chosen:
            raise TargetEmptyError(_why_empty(found))
        return found.chosen


class Groups:
    """What may be done with groups."""

    def __init__(self, store: TargetStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def all(self) -> Sequence[GroupRecord]:
        """All groups, in order of name."""
        return self._store.groups()

    def get(self, name: str) -> GroupRecord:
        """One group; GroupNotFoundError."""
        groups = self._store.groups()
        found = next((group for group in groups if group.name == name), None)
        if found is None:
            raise GroupNotFoundError(name, [group.name for group in groups])
        return found

    def set(self, name: str, target: str, *, user: str) -> GroupRecord:
        """Let a name stand for a target, whatever it stood for before.

        Raises:
            TargetInvalidError: the name or the target is none, or the group would be made of itself.
            GroupNotFoundError: the target names a group that there is not.
        """
        from mcoflow.domain.target_text import parse_target

        made = GroupRecord(label(name), target.strip(), user, self._clock.now().timestamp())
        parse_target(made.target)
        there = self._store.groups()
        others = [group for group in there if group.name != made.name]
        try:
            without_groups(one_of(Key.GROUPS, [made.name]), [*others, made])
        except GroupNotFoundError as error:
            raise GroupNotFoundError(error.name, [group.name for group in there]) from None
        self._store.save_group(made)
        return made

    def remove(self, name: str) -> None:
        """Forget a group.

        Raises:
            GroupNotFoundError: there is none.
            GroupInUseError: other groups are made of it.
        """
        from mcoflow.domain.target_text import parse_target

        groups = self._store.groups()
        users = [group.name for group in groups if name in parse_target(group.target).groups]
        if users:
            raise GroupInUseError(
                f"group {name} is a part of {', '.join(users)}: change or remove these first"
            )
        if not self._store.remove_group(name):
            raise GroupNotFoundError(name, [group.name for group in groups])


class _Seen:
    """A host as a target sees it: its facts are read once, when they are asked for, and not kept."""

    def __init__(self, candidate: Candidate) -> None:
        self._told = candidate.told
        self.identity = candidate.host.identity
        self.collectives = candidate.host.collectives

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What the host told of itself."""
        facts = json.loads(self._told) if self._told else {}
        return facts if isinstance(facts, dict) else {}


def _why_empty(found: Found) -> str:
    shown = found.target if len(found.target) <= 200 else found.target[:197] + "..."
    if found.hosts:
        return f"of the {len(found.hosts)} hosts that {shown!r} means, none is online"
    return f"{shown!r} means no host that is known: `mcoflow find` tells whom a target means"
