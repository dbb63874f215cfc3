"""The fields of the form: from what a person typed to an action and its arguments.

Source: the HTTP specification, chapter 5.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar

from mcoflow.domain.ids import host_id
from mcoflow.domain.operation_names import is_package_name, is_service_name
from mcoflow.domain.rollout import Offline, Share
from mcoflow.errors import FormInvalidError, InputInvalidError, RolloutInvalidError, TargetInvalidError

MAX_PARAM: Final = 4096
MAX_NAMES: Final = 100
"""Names on one side of a `;`."""
MAX_HOSTS: Final = 20_000
MAX_WAIT: Final = 604_800
CONFIRM_ABOVE: Final = 20
"""Above so many hosts their number has to be typed."""
T = TypeVar("T")
_BLANKS: Final = " \t"
_VISIBLE: Final = re.compile(r"[\x20-\x7e\t]*")

PACKAGE_HELP: Final = "letters, digits and + . _ @ -, beginning with a letter or digit"
SERVICE_HELP: Final = "letters, digits and : _ . @ -, beginning with a letter or digit"


@dataclass(frozen=True, slots=True)
class Filled:
    """The fields as they came, unchecked."""

    hostname: str = ""
    action: str = ""
    param: str = ""
    confirm: str = ""
    check: bool = False
    target: str = ""
    portions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be submitted."""

    action: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Names:
    """Both sides of `p1,p2;s1,s2`."""

    packages: tuple[str, ...] = ()
    services: tuple[str, ...] = ()


@dataclass(slots=True)
class _Faults:
    """Collects one fault per field, the first."""

    found: dict[str, str] = field(default_factory=dict)

    def catch(self, name: str, read: Callable[[], T]) -> T | None:
        """Return what `read` returns, or None after noting its complaint."""
        try:
            return read()
        except ValueError as fault:
            self.found.setdefault(name, str(fault))
            return None


def read_fields(filled: Filled) -> Order:
    """Check all fields and return the order.

    Raises:
        FormInvalidError: names every field that is wrong: hostname, target, action, param, confirm, or one
            of the portions.
    """
    faults = _Faults()
    where = _where(filled, faults)
    hosts = where.get("hosts", ())
    action = faults.catch("action", lambda: _action_of(filled.action)) or ""
    read = _READERS.get(action, _unread)
    arguments = faults.catch("param", lambda: read(filled.param)) or {}
    if len(hosts) > CONFIRM_ABOVE:
        faults.catch("confirm", lambda: _check_number(filled.confirm, len(hosts)))
    if faults.found:
        raise FormInvalidError(faults.found)
    checked = {"check": True} if filled.check and action != "ping" else {}
    return Order(action, {**where, **arguments, **checked})


def read_where(filled: Filled) -> Mapping[str, Any]:
    """Return on which hosts and in which portions, as arguments; FormInvalidError as `read_fields`."""
    faults = _Faults()
    where = _where(filled, faults)
    if faults.found:
        raise FormInvalidError(faults.found)
    return where


def _where(filled: Filled, faults: _Faults) -> dict[str, Any]:
    if filled.target.strip():
        where: dict[str, Any] = {"target": faults.catch("target", lambda: _target_of(filled))}
    else:
        hosts = faults.catch("hostname", lambda: hosts_of(filled.hostname)) or ()
        where = {"hosts": list(hosts)}
    said = {name: text.strip() for name, text in filled.portions.items() if text.strip()}
    rollout = {name: faults.catch(name, partial(PORTIONS[name], text)) for name, text in said.items()}
    return {**where, "rollout": rollout} if rollout else where


def hosts_of(text: str) -> tuple[str, ...]:
    """Return the identities in a text, separated by commas or blanks, each once; else ValueError."""
    _check_visible(text)
    words = [word for word in re.split(f"[,{_BLANKS}]+", text) if word]
    if not words:
        raise ValueError("name a host, or several separated by commas")
    if len(words) > MAX_HOSTS:
        raise ValueError(f"{len(words)} hosts are too many, {MAX_HOSTS} at most")
    try:
        return tuple(dict.fromkeys(host_id(word) for word in words))
    except InputInvalidError as error:
        raise ValueError(str(error)) from None


def _share(text: str) -> str:
    try:
        share = Share.parse(text)
    except RolloutInvalidError as error:
        raise ValueError(str(error)) from None
    return str(share)


def _batch(text: str) -> str:
    if not Share.parse(share := _share(text)).number:
        raise ValueError("a wave has one host at least")
    return share


def _count(text: str) -> int:
    if not re.fullmatch("[0-9]{1,6}", text):
        raise ValueError(f"{_shown(text)} is no number of hosts")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,3})?", text) or float(text) > MAX_WAIT:
        raise ValueError(f"{_shown(text)} is no number of seconds, a week at most")
    return float(text)


def _offline(text: str) -> str:
    if text not in set(Offline):
        raise ValueError(f"{_shown(text)}: there are {', '.join(Offline)}")
    return text


PORTIONS: Final[Mapping[str, Callable[[str], Any]]] = {
    "batch": _batch,
    "canary": _count,
    "max_failures": _share,
    "wait": _seconds,
    "offline": _offline,
}
"""The fields that say in which portions hosts get their turn, and how each is read."""


def _target_of(filled: Filled) -> str:
    from mcoflow.domain.target_text import parse_target

    if filled.hostname.strip():
        raise ValueError("give hosts or a target, not both")
    try:
        parse_target(filled.target)
    except TargetInvalidError as error:
        raise ValueError(str(error)) from None
    return filled.target.strip()


def names_of(param: str) -> Names:
    """Return both sides of `names [";" names]`; ValueError says what is wrong."""
    _check_length(param)
    sides = param.split(";")
    if len(sides) > 2:
        raise ValueError("only one ';' may stand between packages and services: p1,p2;s1,s2")
    names = Names(
        _side(sides[0], "package", is_package_name, PACKAGE_HELP),
        _side(sides[1], "service", is_service_name, SERVICE_HELP) if len(sides) == 2 else (),
    )
    if not names.packages and not names.services:
        raise ValueError("name packages, services, or both: p1,p2;s1,s2")
    return names


def _action_of(text: str) -> str:
    name = text.strip(_BLANKS).lower()
    if not name:
        raise ValueError("press one of the four buttons: nothing was run")
    if name not in _READERS:
        raise ValueError(f"no action is called {name[:80]!r}: there are {', '.join(sorted(_READERS))}")
    return name


def _package(param: str) -> dict[str, Any]:
    return {"package": _single(param, "package", is_package_name, PACKAGE_HELP)}


def _service(param: str) -> dict[str, Any]:
    return {"service": _single(param, "service", is_service_name, SERVICE_HELP)}


def _both(param: str) -> dict[str, Any]:
    names = names_of(param)
    return {"packages": list(names.packages), "services": list(names.services)}


def _unread(_param: str) -> dict[str, Any]:
    """Read nothing: without an action a param means nothing yet."""
    return {}


def _nothing(param: str) -> dict[str, Any]:
    if param.strip(_BLANKS):
        raise ValueError("ping takes no param")
    return {}


_READERS: Final[Mapping[str, Callable[[str], dict[str, Any]]]] = {
    "install": _package,
    "uninstall": _package,
    "update": _package,
    "restart": _service,
    "start": _service,
    "stop": _service,
    "enable": _service,
    "disable": _service,
    "install_and_restart": _both,
    "ping": _nothing,
}
ACTIONS: Final = frozenset(_READERS)
"""The actions whose input can be written into the form's fields."""
PARAMS: Final[Mapping[str, str]] = {
    "install": "PACKAGE",
    "uninstall": "PACKAGE",
    "update": "PACKAGE",
    "restart": "SERVICE",
    "start": "SERVICE",
    "stop": "SERVICE",
    "enable": "SERVICE",
    "disable": "SERVICE",
    "install_and_restart": "'p1,p2;s1,s2'",
}
"""What stands in the field param, for those that take one."""


def _single(param: str, kind: str, fits: Callable[[str], bool], way_out: str) -> str:
    _check_length(param)
    name = param.strip(_BLANKS)
    if not name:
        raise ValueError(f"name one {kind}")
    if set(name) & {",", ";"}:
        raise ValueError(f"this action takes one {kind}; for several there is install-and-restart")
    return _checked(name, kind, fits, way_out)


def _side(text: str, kind: str, fits: Callable[[str], bool], way_out: str) -> tuple[str, ...]:
    words: Iterable[str] = (word.strip(_BLANKS) for word in text.split(","))
    names = tuple(dict.fromkeys(_checked(word, kind, fits, way_out) for word in words if word))
    if len(names) > MAX_NAMES:
        raise ValueError(f"{len(names)} {kind}s are too many, {MAX_NAMES} at most")
    return names


def _checked(name: str, kind: str, fits: Callable[[str], bool], way_out: str) -> str:
    if not fits(name):
        raise ValueError(f"{_shown(name)} is no name of a {kind}: {way_out}")
    return name


def _check_length(param: str) -> None:
    if len(param) > MAX_PARAM:
        raise ValueError(f"{len(param)} characters are too many, {MAX_PARAM} at most")


def _check_visible(text: str) -> None:
    if _VISIBLE.fullmatch(text) is None:
        raise ValueError(
            f"{_shown(text)} is no host name: only letters, digits, '.' and '-' are allowed in one"
        )


def _check_number(text: str, hosts: int) -> None:
    if text.strip(_BLANKS) != str(hosts):
        raise ValueError(f"this goes to {hosts} hosts: type {hosts} to confirm")


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")
