"""Names of packages, versions and services: what may reach a tool of the host, and what may not."""

import pytest

from mcoflow.domain.operation_names import is_package_name, is_service_name, is_version

HOSTILE = [
    "",
    " ",
    "-rf",
    "--purge",
    "a b",
    "a;reboot",
    "$(reboot)",
    "`reboot`",
    "a\n",
    "a\x00b",
    "../../etc/passwd",
    "/etc/passwd",
    "a|b",
    "a&b",
    "a>b",
    "a*",
    "a?",
    "a=1",
    "é",
    "\uff41",
    "a" * 300,
    "a'b",
    'a"b',
    "a\\b",
    "a\u2028",
    "\ufeffa",
    "a%s",
    "a{b}",
]


@pytest.mark.parametrize("name", ["nginx", "g++", "libstdc++6:amd64", "php8.2-fpm", "389-ds", "a" * 128])
def test_real_names_of_packages_pass(name: str) -> None:
    assert is_package_name(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_pass_nowhere(name: str) -> None:
    """B-055: a name that could be an option, a path, a pattern or a command is none."""
    assert not is_package_name(name)
    assert not is_service_name(name)
    assert not is_version(name)


@pytest.mark.parametrize("name", ["a:", "a:AMD64", "a:amd64:", "a" * 129])
def test_a_package_has_at_most_an_architecture_behind_it(name: str) -> None:
    assert not is_package_name(name)


@pytest.mark.parametrize("version", ["1.2.3", "1:2.10-3+deb12u1", "2~rc1", "20240101^git"])
def test_real_versions_pass(version: str) -> None:
    assert is_version(version)


def test_a_service_is_no_other_unit() -> None:
    assert is_service_name("nginx")
    assert is_service_name("getty@tty1.service")
    assert is_service_name("org.example.daemon")
    assert not is_service_name("default.target")
    assert not is_service_name("docker.socket")
