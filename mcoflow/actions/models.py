"""The inputs of the shipped actions: one declaration for form, command line, API and engine."""

from typing import Annotated, Any, Final, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from mcoflow.actions.turns import RolloutInput
from mcoflow.domain.choice import Choice
from mcoflow.domain.ids import HOST_AS_WRITTEN, host_id
from mcoflow.domain.operation_names import (
    MAX_NAME,
    PACKAGE_PATTERN,
    SERVICE_PATTERN,
    VERSION_PATTERN,
    is_package_name,
    is_service_name,
    is_version,
)
from mcoflow.errors import InputInvalidError, TargetInvalidError

MAX_HOSTS = 20_000
MAX_NAMES = 100
_WAYS: Final = frozenset({"hosts", "target", "limit", "one", "seed", "rollout"})


def _host(text: str) -> str:
    if not text.isprintable():
        raise ValueError("is no host name: it has a character that cannot be seen")
    try:
        return host_id(text)
    except InputInvalidError as error:
        raise ValueError(str(error)) from None


def _package(text: str) -> str:
    if not is_package_name(text):
        raise ValueError("is no package name: letters, digits, + . _ @ - after a letter or digit")
    return text


def _version(text: str) -> str:
    if not is_version(text):
        raise ValueError("is no version of a package")
    return text


def _service(text: str) -> str:
    if not is_service_name(text):
        raise ValueError("is no service name: letters, digits, : _ . @ - after a letter or digit")
    return text


def _once(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _text(longest: int, pattern: str) -> Any:
    """Return a field with a pattern for those who read the schema; the validators say it in words."""
    return Field(max_length=longest, json_schema_extra={"pattern": f"^{pattern}$"})


Host = Annotated[str, _text(58, HOST_AS_WRITTEN), AfterValidator(_host)]
Package = Annotated[str, _text(MAX_NAME, PACKAGE_PATTERN), AfterValidator(_package)]
Version = Annotated[str, _text(128, VERSION_PATTERN), AfterValidator(_version)]
Service = Annotated[str, _text(128, SERVICE_PATTERN), AfterValidator(_service)]


def _target(text: str) -> str:
    if text:
        from mcoflow.domain.target_text import parse_target

        try:
            parse_target(text)
        except TargetInvalidError as error:
            raise ValueError(str(error)) from None
    return text


class Targets(BaseModel):
    """The hosts of an action: named once each, or those that a target means when it is planned."""

    model_config = ConfigDict(extra="forbid", strict=True)

    hosts: Annotated[
        list[Host],
        Field(max_length=MAX_HOSTS),
        AfterValidator(lambda h: list(dict.fromkeys(h))),
    ] = []
    target: Annotated[str, AfterValidator(_target)] = ""
    limit: Annotated[int | str | None, Field(description="so many of them at the most: 25 or 10%")] = None
    one: Annotated[bool, Field(description="one of them that is online")] = False
    seed: Annotated[int | None, Field(description="choose by chance; equal seeds choose equally")] = None
    rollout: Annotated[RolloutInput | None, Field(description="in which portions")] = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        """Refuse neither and both, and a choice among hosts that were named."""
        if bool(self.hosts) == bool(self.target):
            raise ValueError("hosts or a target say where: one of the two")
        try:
            choice = Choice.of(self.limit, one=self.one, seed=self.seed)
        except InputInvalidError as error:
            raise ValueError(str(error)) from None
        if self.hosts and choice != Choice():
            raise ValueError("limit, one and seed choose among the hosts of a target: these are named")
        return self

    @model_serializer(mode="wrap")
    def _what_was_said(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out the ways of saying where, and how, that were not used."""
        made: dict[str, Any] = serialize(self)
        unsaid = Targets.model_construct()
        return {
            key: value for key, value in made.items() if key not in _WAYS or value != getattr(unsaid, key)
        }


class Checked(Targets):
    """An action that can be tried without changing anything."""

    check: bool = False


class PackageOnHosts(Checked):
    """One package on some hosts."""

    package: Package


class InstallOnHosts(PackageOnHosts):
    """One package on some hosts, in a given version if one is named."""

    version: Version | None = None


class ServiceOnHosts(Checked):
    """One service on some hosts."""

    service: Service


class PackagesAndServices(Checked):
    """Packages to install and services to restart."""

    packages: Annotated[list[Package], Field(max_length=MAX_NAMES), AfterValidator(_once)] = []
    services: Annotated[list[Service], Field(max_length=MAX_NAMES), AfterValidator(_once)] = []
