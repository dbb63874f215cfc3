"""Executions without a process: operations that the daemon answers itself, and starts that failed."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from mcoflow.agent.catalogue import LoadedCatalogue
from mcoflow.agent.execution import Done, Job, OnDone, WorkerIdentity
from mcoflow.agent.facts import Facts
from mcoflow.agent.ledger import Ledger
from mcoflow.agent.operations import Context, Declared
from mcoflow.agent.providers.port import PackageProvider, ServiceProvider
from mcoflow.clock import Clock
from mcoflow.errors import OperationFailedError
from mcoflow.wire.kinds import Outcome


class _Immediate:
    """What has no process: it can neither be stopped nor left behind."""

    def __init__(self, on_done: OnDone, clock: Clock) -> None:
        self._on_done = on_done
        self._clock = clock

    @property
    def identity(self) -> WorkerIdentity | None:
        """No process."""
        return None

    def abandon(self) -> None:
        """Nothing was started."""

    def terminate(self) -> None:
        """It is over before this can be asked."""

    def kill(self) -> None:
        """It is over before this can be asked."""

    def _tell(self, started: float, **ending: Any) -> None:
        duration = self._clock.monotonic() - started
        now = self._clock.now()
        self._on_done(Done(started_at=now, finished_at=now, duration_ms=round(duration * 1000), **ending))


class FailedStart(_Immediate):
    """A worker that could not be started: no memory, no space, too many processes."""

    def __init__(self, error: OSError, on_done: OnDone, clock: Clock) -> None:
        super().__init__(on_done, clock)
        self._error = error

    def begin(self) -> None:
        """Say why."""
        why = self._error.strerror or str(self._error)
        message = f"no worker could be started: {why}"
        self._tell(self._clock.monotonic(), outcome=Outcome.FAILED, reason="no_worker", message=message)


@dataclass(frozen=True, slots=True)
class Own:
    """What the daemon itself knows."""

    catalogue: LoadedCatalogue
    facts: Facts
    ledger: Ledger


class RunHere(_Immediate):
    """An operation that is declared `here`."""

    def __init__(self, declared: Declared, job: Job, on_done: OnDone, own: Own, clock: Clock) -> None:
        super().__init__(on_done, clock)
        self._declared = declared
        self._job = job
        self._own = own

    def begin(self) -> None:
        """Perform it."""
        started = self._clock.monotonic()
        context = Context(
            host=self._job.host,
            check=self._job.check,
            packages=_no_packages,
            services=_no_services,
            facts=self._own.facts.read,
            policy=self._own.catalogue.policy,
            operations=self._own.catalogue.operations,
            requests=partial(self._own.ledger.newest, self._job.host),
        )
        try:
            values = self._declared.perform(self._job.args, context)
        except OperationFailedError as error:
            self._tell(
                started,
                outcome=Outcome.FAILED,
                reason=error.reason,
                message=str(error)[:1_000],
                values=error.values,
            )
        except Exception as error:  # noqa: BLE001  the daemon goes on
            message = f"{type(error).__name__}: {error}"[:1_000]
            self._tell(started, outcome=Outcome.FAILED, reason="exception", message=message)
        else:
            self._tell(started, outcome=Outcome.OK, values=values)


def _no_packages() -> PackageProvider:
    raise OperationFailedError("unsupported", "packages are for workers only")


def _no_services() -> ServiceProvider:
    raise OperationFailedError("unsupported", "services are for workers only")
