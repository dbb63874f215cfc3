"""What an order would do where and in which portions, before it is given; nothing is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import ValidationError

from mcoflow.action.registry import REGISTERED, Registry
from mcoflow.domain.choice import Choice
from mcoflow.domain.presence import Presence
from mcoflow.domain.rollout import Rollout
from mcoflow.errors import InputInvalidError
from mcoflow.services.fields import Order
from mcoflow.services.hosts import Hosts
from mcoflow.services.offers import Lacking, Offers
from mcoflow.services.operations import Operations
from mcoflow.services.rehearsals import Rehearsal, Rehearsals
from mcoflow.services.targets import Targets, unknown_words

_LOOKED_UP: Final = 1000
PORTIONED: Final = "rollout"
"""The input by which an action is known to take targets and portions as the shipped ones do."""
SHOWN_WAVES: Final = 6
NEVER: Final = "never seen"
"""Of a host that was named, and that nobody has heard of."""


@dataclass(frozen=True, slots=True)
class OrderedHost:
    """A host that it would go to; `presence` in a word."""

    name: str
    presence: str
    simulated: bool = False


@dataclass(frozen=True, slots=True)
class OrderPreview:
    """Where it would be done and in which waves. `matched`: hosts that the target means, before a limit.

    `how`: None, and no waves, of an action that decides by itself. `rehearsals`: what each host would go
    through, of each order that was looked at. `lacking`: who does not offer what they would be asked for.
    `unknown`: names in the target that no host has.
    """

    matched: int
    expected: int
    online: int
    late: int
    offline: int
    never_seen: int
    hosts: Sequence[OrderedHost]
    waves: Sequence[int]
    how: Rollout | None
    rehearsals: Sequence[Rehearsal] = ()
    lacking: Sequence[Lacking] = ()
    unknown: Sequence[str] = ()

    @property
    def words(self) -> str:
        """`10 of 120 hosts: 8 online, 2 offline`."""
        number = f"{self.expected} of {self.matched}" if self.expected < self.matched else str(self.matched)
        parts = ((self.online, "online"), (self.late, "late"), (self.offline, "offline"))
        counted = [f"{count} {word}" for count, word in (*parts, (self.never_seen, NEVER)) if count]
        noun = "host" if self.matched == 1 else "hosts"
        played = sum(host.simulated for host in self.hosts)
        simulated = f" ({played} simulated)" if played else ""
        return f"{number} {noun}{': ' if counted else ''}{', '.join(counted)}{simulated}"

    @property
    def wave_words(self) -> str:
        """`6 waves: 1, 30, 30, 30, 29 hosts; up to 10 % may fail, then it pauses`."""
        if self.how is None:
            return "the action says itself in which waves"
        if len(self.waves) <= 1:
            told = "all at once"
        else:
            sizes = ", ".join(map(str, self.waves[:SHOWN_WAVES]))
            told = f"{len(self.waves)} waves: {sizes}{' …' if len(self.waves) > SHOWN_WAVES else ''} hosts"
        if self.how.concurrency is not None:
            told += f", at most {self.how.concurrency} at a time"
        if self.how.wait and len(self.waves) > 1:
            told += f", {self.how.wait.total_seconds():g} s between two"
        if self.how.canary and len(self.waves) == 1:  # all are canaries, whatever limit others have
            return f"{told}; no host may fail, else it {self.how.on_exceed}s"
        if self.how.max_failures is None:
            return f"{told}; {_unlimited(self.how.canary)}" if len(self.waves) > 1 else told
        return f"{told}; up to {self.how.max_failures} may fail, then it {self.how.on_exceed}s"

    @property
    def unknown_words(self) -> str:
        """`no admitted host is called wbe1`, or nothing."""
        return unknown_words(self.unknown)

    def not_online(self, most: int) -> Sequence[OrderedHost]:
        """The first hosts that are not online."""
        return [host for host in self.hosts if host.presence != Presence.ONLINE][:most]


class Portions:
    """The use case of looking at an order before it is given."""

    def __init__(
        self,
        targets: Targets,
        hosts: Hosts,
        operations: Operations,
        rehearsals: Rehearsals,
        offers: Offers,
        *,
        actions: Registry = REGISTERED,
    ) -> None:
        self._targets, self._hosts, self._operations, self._actions = targets, hosts, operations, actions
        self._rehearsals, self._offers = rehearsals, offers

    def look(self, order: Order, *others: Order) -> OrderPreview | None:
        """Tell as `preview` does, and also what each host would go through and which do not offer it.

        `others` are orders for the same hosts. Raises as `preview` does.
        """
        found = self.preview(order)
        if found is None or not found.hosts:
            return found
        names = [host.name for host in found.hosts]
        rehearsals = [self._rehearsals.of(each, names) for each in (order, *others)]
        asked = frozenset[str]().union(*(each.asked for each in rehearsals))
        return replace(found, rehearsals=rehearsals, lacking=self._offers.lacking(asked, names))

    def lacking(self, order: Order) -> Sequence[Lacking]:
        """Tell which hosts do not offer what they would be asked for. Raises as `preview` does."""
        given = self._operations.prepared(order.action, order.arguments)
        names: Sequence[str]
        if given.get("target") and self._takes_portions(order.action):
            names = [host.name for host in self._meant(given)[1]]
        else:
            names = _named(given.get("hosts"))
        return self._offers.lacking(self._rehearsals.of(order, names).asked, names) if names else ()

    def unknown(self, order: Order) -> Sequence[str]:
        """Return the names in the target of an order that no host has. Raises as `preview` does."""
        target = order.arguments.get("target")
        return self._targets.unknown(target) if target and isinstance(target, str) else ()

    def preview(self, order: Order) -> OrderPreview | None:
        """Tell where it would be done; None for an action that takes no hosts.

        Raises:
            InputInvalidError, UnknownActionError: it would be refused.
            TargetInvalidError, GroupNotFoundError: its target is none.
        """
        given = self._operations.prepared(order.action, order.arguments)
        ours = self._takes_portions(order.action)
        found = (
            self._meant(given)
            if ours and given.get("target")
            else self._looked_up(_named(given.get("hosts")))
        )
        if found is None:
            return None
        matched, hosts = found
        stand = Counter(host.presence for host in hosts)
        how = self._how(order.action, given, len(hosts)) if ours else None
        return OrderPreview(
            matched=matched,
            expected=len(hosts),
            online=stand[Presence.ONLINE],
            late=stand[Presence.LATE],
            offline=stand[Presence.OFFLINE],
            never_seen=stand[NEVER],
            hosts=hosts,
            waves=how.waves(len(hosts)) if how is not None else (),
            how=how,
            unknown=self.unknown(order),
        )

    def _takes_portions(self, action: str) -> bool:
        """Whether an action takes targets and rollouts as the shipped ones do; others may mean anything."""
        model = self._actions.find(action).Input
        return model is not None and PORTIONED in model.model_fields

    def _meant(self, given: Mapping[str, Any]) -> tuple[int, Sequence[OrderedHost]]:
        choice = Choice.of(given.get("limit"), one=bool(given.get("one")), seed=given.get("seed"))
        found = self._targets.find(str(given["target"]), choice)
        return len(found), [
            OrderedHost(host.name, host.presence, host.simulated) for host in found if host.chosen
        ]

    def _looked_up(self, names: Sequence[str]) -> tuple[int, Sequence[OrderedHost]] | None:
        seen, played = dict[str, str](), set[str]()
        for start in range(0, len(names), _LOOKED_UP):
            known = self._hosts.presence(names[start : start + _LOOKED_UP])
            seen |= {name: presence or NEVER for name, presence in known.items()}
            played |= self._hosts.simulated(names[start : start + _LOOKED_UP])
        found = [OrderedHost(name, seen[name], name in played) for name in names]
        return (len(names), found) if names else None

    def _how(self, action: str, given: Mapping[str, Any], hosts: int) -> Rollout:
        from mcoflow.actions.turns import RolloutInput

        careful = bool(getattr(self._actions.find(action), "careful", True))
        try:
            said = RolloutInput.model_validate(given.get("rollout") or {})
        except ValidationError as error:
            raise InputInvalidError(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from None
        return said.rollout(hosts, careful=careful)


def _unlimited(canary: int) -> str:
    """Say that nothing limits how many may fail, but for the hosts that go first."""
    if not canary:
        return "any number may fail"
    return f"the first {canary} may not fail, any number of the others may"


def _named(hosts: Any) -> Sequence[str]:
    return list(dict.fromkeys(map(str, hosts))) if isinstance(hosts, list | tuple) else []
