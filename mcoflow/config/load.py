"""Find broker.cfg, read it and the environment, and name what is wrong with them."""

import configparser
import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ValidationError

from mcoflow.config.sections import (
    AgentConfig,
    BrokerConfig,
    Config,
    ServerConfig,
    TelemetryConfig,
    WebConfig,
)
from mcoflow.config.values import masked
from mcoflow.errors import ConfigError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SECTIONS: Final[Mapping[str, type[BaseModel]]] = {
    "broker": BrokerConfig,
    "server": ServerConfig,
    "web": WebConfig,
    "telemetry": TelemetryConfig,
    "agent": AgentConfig,
}
PREFIX: Final = "MCOFLOW_"
NOT_QUOTED: Final = {"url", "database"}
"""Keys whose wrong value may be a password in the wrong place, where masking would not find it."""
FILE_VARIABLE: Final = "MCOFLOW_CONFIG"
Raw = dict[str, dict[str, str]]


def load_config(path: Path | None, environ: Mapping[str, str]) -> Config:
    """Read the settings of `path`, or of the first broker.cfg found, and of the environment, which wins.

    Looked for: `path`, $MCOFLOW_CONFIG, ./broker.cfg, ~/.config/mcoflow/broker.cfg,
    /etc/mcoflow/broker.cfg; with none of them, defaults. An empty value means the default.

    Raises:
        ConfigError: a line for each fault, with file (or variable), section, key, and the way out. It shows
            no password.
    """
    source = _find(path, environ)
    faults: list[str] = []
    raw = _read_file(source, faults) if source else {}
    for section, key, text in _overrides(environ, faults):
        raw.setdefault(section, {})[key] = text
    raw = {section: {key: text for key, text in keys.items() if text} for section, keys in raw.items()}
    raw.setdefault("server", {}).setdefault("state_dir", str(_default_state(environ)))
    raw.setdefault("agent", {}).setdefault("state_dir", f"{raw['server']['state_dir']}/agent")
    try:
        config = Config.model_validate({**raw, "source": source})
    except ValidationError as error:
        faults += [_complaint(fault, source, environ) for fault in error.errors(include_url=False)]
        raise ConfigError("\n".join(faults)) from None
    if faults:
        raise ConfigError("\n".join(faults))
    return config


def _find(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the file to read; one that was asked for by name has to exist."""
    if path is not None:
        return path
    if named := environ.get(FILE_VARIABLE):
        return Path(named)
    places = (
        Path("broker.cfg"),
        _home(environ) / ".config/mcoflow/broker.cfg",
        Path("/etc/mcoflow/broker.cfg"),
    )
    return next((place for place in places if place.is_file()), None)


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ["HOME"]) if environ.get("HOME") else Path.home()


def _default_state(environ: Mapping[str, str]) -> Path:
    state = environ.get("XDG_STATE_HOME")
    return (Path(state) if state else _home(environ) / ".local/state") / "mcoflow"


def _read_file(source: Path, faults: list[str]) -> Raw:
    """Return the sections and keys of an INI file that we have; others are noted as faults."""
    # No section is special, `%` and `$` in passwords are themselves, and `:` separates nothing.
    parser = configparser.ConfigParser(interpolation=None, default_section="", delimiters=("=",))
    try:
        parser.read_string(source.read_text("utf-8"), source=str(source))
    except OSError as error:
        raise ConfigError(f"{source} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{source} is not UTF-8 text") from None
    except configparser.Error as error:
        raise ConfigError(_syntax(source, error)) from None
    raw: Raw = {}
    for section in parser.sections():
        if section not in SECTIONS:
            faults.append(f"{source}: there is no section [{section}]{_nearest(section, SECTIONS)}")
            continue
        where, keys = f"{source}: [{section}]", parser[section].items()
        raw[section] = {key: text for key, text in keys if _is_key(where, section, key, faults)}
    return raw


def _syntax(source: Path, error: configparser.Error) -> str:
    """Say where the file is no INI; configparser's own message would quote the line, password and all."""
    match error:
        case configparser.DuplicateSectionError(section=section, lineno=line):
            return f"{source}, line {line}: [{section}] stands there twice"
        case configparser.DuplicateOptionError(section=section, option=key, lineno=line):
            return f"{source}, line {line}: [{section}] {key} stands there twice"
        case configparser.MissingSectionHeaderError(lineno=line):
            return f"{source}, line {line}: a [section] has to come first"
        case configparser.ParsingError(errors=[(line, _), *_]):
            return f"{source}, line {line}: write `key = value`"
    return f"{source} is no INI file"


def _overrides(environ: Mapping[str, str], faults: list[str]) -> Iterable[tuple[str, str, str]]:
    """Yield section, key, text of each variable that belongs to a section we have."""
    for name, text in sorted(environ.items()):
        section, _, key = name.removeprefix(PREFIX).lower().partition("_")
        if not name.startswith(PREFIX) or section not in SECTIONS:
            continue
        if _is_key(f"the environment ({name}): [{section}]", section, key, faults):
            yield section, key, text


def _is_key(where: str, section: str, key: str, faults: list[str]) -> bool:
    """Return whether the section has the key, after noting it as a fault if not."""
    known = SECTIONS[section].model_fields
    if key not in known:
        faults.append(f"{where} has no key {key!r}{_nearest(key, known)}")
    return key in known


def _nearest(word: str, known: Iterable[str]) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(names)}"


def _complaint(fault: "ErrorDetails", source: Path | None, environ: Mapping[str, str]) -> str:
    """Say what is wrong with a value, and where it was set."""
    section, key = str(fault["loc"][0]), str(fault["loc"][1]) if len(fault["loc"]) > 1 else ""
    variable = f"{PREFIX}{section}_{key}".upper()
    where = f"the environment ({variable})" if environ.get(variable) else str(source or "the environment")
    why = fault["msg"].removeprefix("Value error, ")
    quoted = isinstance(fault["input"], str) and key not in NOT_QUOTED
    shown = f" = {masked(fault['input'])!r}" if quoted else ""
    named = f"[{section}] {key}".rstrip()
    return f"{where}: {named}{shown}: {why[:1].lower()}{why[1:]}"
