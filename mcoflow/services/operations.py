"""The operations that hosts declare: what there is, and whether a task may ask for one."""

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from mcoflow.action.schema import MOST_FAULTS
from mcoflow.domain.records import JsonObject
from mcoflow.errors import InputInvalidError, UnknownActionError
from mcoflow.ports.declarations import Declared
from mcoflow.ports.store import Reader
from mcoflow.services.fields import Order
from mcoflow.services.json_schema import WHOLE, faults
from mcoflow.services.offers import Lacking, check_somebody_offers

ACTION: Final = "operation"
"""The action that asks for an operation."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,31}")
_LOOKED_UP: Final = 1000


@dataclass(frozen=True, slots=True)
class OperationView:
    """An operation as most hosts declare it. `hosts`: how many have it; times in seconds."""

    name: str
    summary: str
    changes: bool
    check: bool
    idempotent: bool
    timeout: float
    max_timeout: float
    hosts: int
    input: JsonObject
    output: JsonObject


class Operations:
    """The use cases of declared operations."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def list(self) -> Sequence[OperationView]:
        """All operations that a host declares, in order of name."""
        return [view for _, view in sorted(_views(self._reader.declarations()).items())]

    def show(self, name: str) -> OperationView:
        """One of them; UnknownActionError names the nearest."""
        known = _views(self._reader.declarations())
        if name not in known:
            raise UnknownActionError(_unknown(name, known))
        return known[name]

    def prepared(self, action: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the arguments of any action as they may be submitted; those of this one raise as checked."""
        return self.checked(arguments) if action == ACTION else arguments

    def order(
        self, name: str, where: Mapping[str, Any], args: Mapping[str, Any], *, check: bool = False
    ) -> Order:
        """Return what to submit to have hosts perform an operation; it is checked as it is submitted.

        `where`: the hosts, or a target, and in which portions, as the action takes them.
        """
        arguments = {**where, "operation": name, "args": dict(args)}
        return Order(ACTION, {**arguments, **({"check": True} if check else {})})

    def checked(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the arguments of the action, with the time that the operation may take.

        Raises:
            UnknownActionError: no host declares it.
            InputInvalidError: names each argument that does not fit with what is expected, or the hosts, if
                none of them offers it, or says that it cannot predict.
        """
        name, args, hosts = arguments.get("operation"), arguments.get("args", {}), arguments.get("hosts", ())
        if not (isinstance(name, str) and isinstance(args, Mapping) and isinstance(hosts, list | tuple)):
            return arguments  # the action's own model says what is wrong
        declared = self._reader.declarations()
        known = _views(declared)
        if name not in known:
            raise UnknownActionError(_unknown(name, known))
        view = known[name]
        if arguments.get("check") and not view.check:
            raise InputInvalidError(f"{name} cannot predict, it would really run: ask without check")
        for schema in self._schemas(name, view, list(dict.fromkeys(map(str, hosts))), declared):
            if found := faults(schema, dict(args)):
                some = list(found.items())[:MOST_FAULTS]
                more = f"; and {len(found) - len(some)} more" if len(found) > len(some) else ""
                told = "; ".join(f"{path}: {why}" for path, why in some) + more
                places = [(("args", *_path(path)), "invalid", why) for path, why in some]
                raise InputInvalidError(f"{name}: {told}", places)
        in_portions = {} if view.changes else {"rollout": {"batch": "100%"}}  # who only looks needs no waves
        return {"timeout": view.timeout, **in_portions, **arguments}

    def _schemas(
        self, name: str, usual: OperationView, hosts: Sequence[str], declared: Sequence[Declared]
    ) -> Sequence[JsonObject]:
        """Return what these hosts declare as input, each once; hosts that told nothing may have the usual."""
        told = {each.digest: each.operations for each in declared}
        wanted, lacking = set[str](), list[str]()
        for host, digest in self._digests(hosts):
            if digest in told:
                if not isinstance(told[digest].get(name), Mapping):
                    lacking.append(host)
                    continue
                wanted.add(digest)
        check_somebody_offers([Lacking([name], lacking, len(hosts))])
        found = [_object(told[digest][name].get("input")) for digest in sorted(wanted)]
        return found or [usual.input]

    def _digests(self, hosts: Sequence[str]) -> Iterator[tuple[str, str]]:
        for start in range(0, len(hosts), _LOOKED_UP):
            for host in self._reader.hosts_named(hosts[start : start + _LOOKED_UP]):
                yield host.identity, host.operations_digest


def is_operation(name: str) -> bool:
    """Whether the name could be that of an operation: `agent.operation`."""
    return _NAME.fullmatch(name) is not None


def _path(dotted: str) -> Sequence[str]:
    return () if dotted == WHOLE else dotted.split(".")


def _views(declared: Sequence[Declared]) -> dict[str, OperationView]:
    """Return each operation as most hosts have it, and how many have it in any way."""
    found: dict[str, OperationView] = {}
    counts: dict[str, int] = {}
    for each in declared:
        for name, told in each.operations.items():
            if is_operation(name) and isinstance(told, Mapping):
                counts[name] = counts.get(name, 0) + each.hosts
                found.setdefault(name, _view(name, told))
    return {name: _counted(view, counts[name]) for name, view in found.items()}


def _view(name: str, told: Mapping[str, Any]) -> OperationView:
    """Read a declaration; what is missing or of another kind is taken for the most careful answer."""
    return OperationView(
        name=name,
        summary=str(told.get("summary", ""))[:256],
        changes=told.get("changes") is not False,
        check=told.get("check") is True,
        idempotent=told.get("idempotent") is True,
        timeout=_seconds(told.get("timeout_ms"), 60.0),
        max_timeout=_seconds(told.get("max_timeout_ms"), 86_400.0),
        hosts=0,
        input=_object(told.get("input")),
        output=_object(told.get("output")),
    )


def _counted(view: OperationView, hosts: int) -> OperationView:
    return replace(view, hosts=hosts)


def _seconds(value: Any, usual: float) -> float:
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 86_400_000
    return value / 1000 if fits else usual


def _object(value: Any) -> JsonObject:
    return dict(value) if isinstance(value, Mapping) else {}


def _unknown(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name[:80], known, n=1)
    if near:
        return f"no host offers an operation {name[:80]!r}: did you mean {near[0]!r}?"
    return (
        f"no host offers an operation {name[:80]!r}: see `mcoflow action list --declared`; "
        "an agent offers what its [agent] agents names"
    )
