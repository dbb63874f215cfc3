"""The fields of the form: from what a person typed to an action and its arguments.

Source: the HTTP specification, chapter 5.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcoflow.domain.operation_names import is_package_name, is_service_name
from mcoflow.services.placing import Faults, Placing, check_number, shown, where_of

MAX_PARAM: Final = 4096
MAX_NAMES: Final = 100
"""Names on one side of a `;`."""
_BLANKS: Final = " \t"

PACKAGE_HELP: Final = "letters, digits and + . _ @ -, beginning with a letter or digit"
SERVICE_HELP: Final = "letters, digits and : _ . @ -, beginning with a letter or digit"


@dataclass(frozen=True, slots=True)
class Filled(Placing):
    """The fields of the form as they came, unchecked."""

    action: str = ""
    param: str = ""


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


def read_fields(filled: Filled) -> Order:
    """Check all fields and return the order.

    Raises:
        FormInvalidError: names every field that is wrong: hostname, target, action, param, confirm, or one
            of the portions.
    """
    faults = Faults()
    order = order_of(filled, faults)
    check_number(filled, len(order.arguments.get("hosts", ())), faults)
    faults.check()
    return order


def order_of(filled: Filled, faults: Faults) -> Order:
    """Return the order, as far as there is no fault; whether so many hosts are meant is not asked."""
    where = where_of(filled, faults)
    action = faults.catch("action", lambda: _action_of(filled.action)) or ""
    read = _READERS.get(action, _unread)
    arguments = faults.catch("param", lambda: read(filled.param)) or {}
    checked = {"check": True} if filled.check and action != "ping" else {}
    return Order(action, {**where, **arguments, **checked})


def read_where(placing: Placing) -> Mapping[str, Any]:
    """Return on which hosts and in which portions, as arguments; FormInvalidError as `read_fields`."""
    faults = Faults()
    where = where_of(placing, faults)
    faults.check()
    return where


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
BUTTONS: Final = ("install", "uninstall", "restart", "install_and_restart")
"""The actions that the form has a button of its own for."""
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
        raise ValueError(f"{shown(name)} is no name of a {kind}: {way_out}")
    return name


def _check_length(param: str) -> None:
    if len(param) > MAX_PARAM:
        raise ValueError(f"{len(param)} characters are too many, {MAX_PARAM} at most")
