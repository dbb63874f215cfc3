"""The agent `service`: restart, start, stop, enable, disable and look at services."""

from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field

from mcoflow.agent.operations import Agent, Context, Strict
from mcoflow.agent.providers.port import Boot, Change, ServiceState
from mcoflow.domain.operation_names import SERVICE_PATTERN, is_service_name


def _is_a_service(name: str) -> str:
    if not is_service_name(name):
        raise ValueError("only units that end in .service are services")
    return name


ServiceName = Annotated[
    str, Field(pattern=f"^(?:{SERVICE_PATTERN})$", max_length=128), AfterValidator(_is_a_service)
]


class Service(Strict):
    """Which service."""

    service: ServiceName


class Controlled(Strict):
    """Its state before and after."""

    changed: bool
    before: ServiceState
    after: ServiceState
    exit_code: int | None


class Status(Strict):
    """Its state now, and whether it begins with the machine."""

    state: ServiceState
    boot: Boot


class Booted(Strict):
    """Whether it began with the machine before, and does now."""

    changed: bool
    before: Boot
    after: Boot
    exit_code: int | None


agent: Final = Agent("service")


def _lock(args: dict[str, Any]) -> str:
    return f"service:{str(args['service']).removesuffix('.service')}"


_TIMEOUT: Final = timedelta(minutes=2)


def _controlled(change: Change) -> Controlled:
    return Controlled(
        changed=change.changed,
        before=ServiceState(change.before or ServiceState.UNKNOWN),
        after=ServiceState(change.after or ServiceState.UNKNOWN),
        exit_code=change.exit_code,
    )


def _booted(change: Change) -> Booted:
    return Booted(
        changed=change.changed,
        before=Boot(change.before or Boot.UNKNOWN),
        after=Boot(change.after or Boot.UNKNOWN),
        exit_code=change.exit_code,
    )


@agent.operation(
    summary="Restart a service, start it if it is stopped", timeout=_TIMEOUT, check=True, lock=_lock
)
def restart(given: Service, context: Context) -> Controlled:
    """Restart it, whatever its state."""
    return _controlled(context.services().restart(given.service, check=context.check))


@agent.operation(
    summary="Start a service unless it runs", timeout=_TIMEOUT, idempotent=True, check=True, lock=_lock
)
def start(given: Service, context: Context) -> Controlled:
    """See that it runs."""
    return _controlled(context.services().ensure(given.service, ServiceState.RUNNING, check=context.check))


@agent.operation(
    summary="Stop a service unless it is stopped", timeout=_TIMEOUT, idempotent=True, check=True, lock=_lock
)
def stop(given: Service, context: Context) -> Controlled:
    """See that it is stopped."""
    return _controlled(context.services().ensure(given.service, ServiceState.STOPPED, check=context.check))


@agent.operation(
    summary="Have a service begin with the machine", timeout=_TIMEOUT, idempotent=True, check=True, lock=_lock
)
def enable(given: Service, context: Context) -> Booted:
    """See that it begins with the machine; whether it runs now stays as it is."""
    return _booted(context.services().enable(given.service, on=True, check=context.check))


@agent.operation(
    summary="Have a service not begin with the machine",
    timeout=_TIMEOUT,
    idempotent=True,
    check=True,
    lock=_lock,
)
def disable(given: Service, context: Context) -> Booted:
    """See that it does not begin with the machine; whether it runs now stays as it is."""
    return _booted(context.services().enable(given.service, on=False, check=context.check))


@agent.operation(summary="Say whether a service runs", idempotent=True, changes=False)
def status(given: Service, context: Context) -> Status:
    """Look at one service; nothing is changed."""
    services = context.services()
    return Status(state=services.status(given.service), boot=services.boot(given.service))
