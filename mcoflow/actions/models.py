"""The inputs of the shipped actions: one declaration for form, command line, API and engine."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mcoflow.domain.ids import host_id
from mcoflow.domain.operation_names import is_package_name, is_service_name, is_version
from mcoflow.errors import InputInvalidError

MAX_HOSTS = 20_000
MAX_NAMES = 100


def _host(text: str) -> str:
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


Host = Annotated[str, Field(max_length=58), AfterValidator(_host)]
Package = Annotated[str, Field(max_length=145), AfterValidator(_package)]
Version = Annotated[str, Field(max_length=128), AfterValidator(_version)]
Service = Annotated[str, Field(max_length=128), AfterValidator(_service)]


class Targets(BaseModel):
    """The hosts of an action; each is named once."""

    model_config = ConfigDict(extra="forbid", strict=True)

    hosts: Annotated[
        list[Host],
        Field(min_length=1, max_length=MAX_HOSTS),
        AfterValidator(lambda h: list(dict.fromkeys(h))),
    ]


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
