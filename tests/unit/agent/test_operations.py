"""Declarations: what an agent may declare, and what the shipped ones do."""

from datetime import timedelta
from random import Random
from typing import Annotated, Any

import pytest
from pydantic import Field

from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.execution import RefusedError
from mcoflow.agent.operations import Agent, Strict, unbounded
from mcoflow.agent.providers.fake import fake_execute
from mcoflow.errors import ConfigurationError
from mcoflow.wire.kinds import Refusal
from tests.unit.agent.bench import install_plugin

SHIPPED = ("host", "package", "service")
OPERATIONS = LoadedCatalogue(SHIPPED).operations()
ALL = LoadedCatalogue(("command", "file", "host", "package", "process", "service")).operations()


class Word(Strict):
    word: Annotated[str, Field(max_length=20)]


class Endless(Strict):
    word: str


class EndlessList(Strict):
    numbers: list[int]


def test_the_shipped_operations_are_those_of_the_specification() -> None:
    assert [operation.key for operation in ALL] == [
        "command.run",
        "file.checksum",
        "file.read",
        "file.status",
        "host.agents",
        "host.facts",
        "host.inventory",
        "host.ping",
        "host.requests",
        "package.install",
        "package.search",
        "package.status",
        "package.uninstall",
        "package.update",
        "process.list",
        "process.signal",
        "service.disable",
        "service.enable",
        "service.restart",
        "service.start",
        "service.status",
        "service.stop",
    ]


def test_only_a_restart_a_command_and_a_signal_are_not_idempotent() -> None:
    once = ["command.run", "process.signal", "service.restart"]
    assert [operation.key for operation in ALL if not operation.idempotent] == once


def test_package_changes_share_a_lock_and_are_not_cut_off() -> None:
    """B-042, B-044: one package change at a time, never interrupted."""
    for name in ("install", "update", "uninstall"):
        operation = LoadedCatalogue(SHIPPED).find("package", name)
        assert operation.lock({"package": "nginx"}) == "package"
        assert not operation.interruptible
        assert operation.timeout == timedelta(minutes=15)


def test_a_service_has_its_own_lock_however_it_is_written() -> None:
    restart = LoadedCatalogue(SHIPPED).find("service", "restart")

    assert restart.lock({"service": "nginx"}) == restart.lock({"service": "nginx.service"}) == "service:nginx"
    assert LoadedCatalogue(SHIPPED).find("service", "status").lock({"service": "nginx"}) is None


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.key)
def test_nothing_declared_is_unbounded(operation: Any) -> None:
    """B-041: declarations are JSON Schema, and every text and list has a greatest length."""
    for model in (operation.input_model, operation.output_model):
        schema = model.model_json_schema()
        assert schema["additionalProperties"] is False
        assert list(unbounded(schema)) == []


@pytest.mark.parametrize(
    ("operation", "args"),
    [
        ("package.install", {}),
        ("package.install", {"package": "a b"}),
        ("package.install", {"package": "nginx\n"}),
        ("package.install", {"package": "nginx", "version": "-1"}),
        ("package.install", {"package": "nginx", "refresh": "yes"}),
        ("package.install", {"package": "nginx", "extra": 1}),
        ("package.uninstall", {"package": 5}),
        ("service.restart", {"service": "default.target"}),
        ("service.restart", {"service": "../x"}),
        ("host.ping", {"x": 1}),
    ],
)
def test_arguments_outside_the_model_are_refused(operation: str, args: dict[str, Any]) -> None:
    """B-022: extra and invalid arguments are refused before anything runs."""
    with pytest.raises(RefusedError) as refused:
        fake_execute(operation, args, False, Random(1))

    assert refused.value.reason is Refusal.INVALID_ARGS
    assert operation in str(refused.value)


def test_unknown_agents_and_operations_are_refused_with_what_there_is() -> None:
    catalogue = LoadedCatalogue(["host"])

    with pytest.raises(RefusedError, match="host") as refused:
        catalogue.find("package", "install")
    assert refused.value.reason is Refusal.UNKNOWN_AGENT
    with pytest.raises(RefusedError, match="facts, inventory, ping") as refused:
        catalogue.find("host", "reboot")
    assert refused.value.reason is Refusal.UNKNOWN_OPERATION


# -- plug-ins --------------------------------------------------------------------------------------------


def test_a_named_plugin_is_loaded_and_an_unnamed_one_is_not(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only agents that `[agent] agents` names are ever imported."""
    install_plugin(
        tmp_path / "site",
        "greeter",
        "from mcoflow.agent.operations import Agent\nagent = Agent('greeter')\n",
    )
    install_plugin(tmp_path / "site", "trap", "raise AssertionError('imported')\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    assert LoadedCatalogue(["host", "greeter"]).broken() == ()


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("syntax error", "SyntaxError"),
        ("agent = 3", "no Agent"),
        ("from mcoflow.agent.operations import Agent; agent = Agent('other')", "no Agent"),
        ("", "AttributeError"),
    ],
)
def test_a_broken_plugin_is_reported_and_the_others_work(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, source: str, why: str
) -> None:
    """B-041: a broken plug-in is reported, the daemon goes on."""
    name = f"broken{abs(hash(source))}"[:20]
    install_plugin(tmp_path / "site", name, source)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    catalogue = LoadedCatalogue(["host", name, "missing"])

    assert catalogue.find("host", "ping").name == "ping"
    first, second = catalogue.broken()
    assert name in first
    assert why in first
    assert "missing" in second


@pytest.mark.parametrize("model", [Endless, EndlessList])
def test_a_model_without_bounds_is_refused_when_declared(model: Any) -> None:
    """B-041: none is unbounded."""

    def perform(given: Any) -> Word:
        return Word(word=str(given))

    perform.__annotations__["given"] = model
    with pytest.raises(ConfigurationError, match="greatest length"):
        Agent("x").operation(summary="x")(perform)


def test_a_function_without_models_is_refused_when_declared() -> None:
    def perform(given: int) -> Word:
        return Word(word=str(given))

    with pytest.raises(ConfigurationError, match="Strict"):
        Agent("x").operation(summary="x")(perform)


def test_names_are_declared_once_and_as_the_wire_allows() -> None:
    agent = Agent("x")

    @agent.operation(summary="x")
    def once(given: Word) -> Word:
        return given

    with pytest.raises(ConfigurationError, match="twice"):
        agent.operation(summary="x")(once)
    with pytest.raises(ConfigurationError, match="name"):
        Agent("Not-A-Name")


# -- played hosts ----------------------------------------------------------------------------------------

ARGUMENTS: dict[str, dict[str, Any]] = {
    "package": {"package": "nginx"},
    "service": {"service": "nginx"},
    "host": {},
}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.key)
@pytest.mark.parametrize("check", [False, True])
def test_played_values_fit_the_declared_output_and_repeat_with_the_seed(operation: Any, check: bool) -> None:
    """B-050: the fake answers every operation, deterministically."""
    args = {"text": "nginx"} if operation.key == "package.search" else ARGUMENTS[operation.agent]

    values = fake_execute(operation.key, args, check, Random(7))

    assert operation.output_model.model_validate(values, strict=False)
    assert values == fake_execute(operation.key, args, check, Random(7))


def test_played_hosts_have_several_systems() -> None:
    systems = {fake_execute("host.facts", {}, False, Random(n))["facts"]["os"]["id"] for n in range(50)}

    assert len(systems) > 2
