"""A worker: one process for one operation. It loads what it needs, waits for the word, leaves a result.

Its input closing without the word means that nobody wants it any more: it ends without effect.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcoflow.agent.catalogue import load_agent
from mcoflow.agent.execution import Done, RefusedError
from mcoflow.agent.facts import Facts
from mcoflow.agent.operations import Context, Declared
from mcoflow.agent.own_processes import belongs_to_agent
from mcoflow.agent.printed import Recorder
from mcoflow.agent.providers.choice import ChosenProviders
from mcoflow.agent.worker_files import BEGUN, GO, Order, read_order, write_result
from mcoflow.agent.worker_output import CaughtOutput
from mcoflow.clock import Clock, SystemClock
from mcoflow.errors import McoflowError, OperationFailedError
from mcoflow.faults import faultpoint
from mcoflow.wire import codec
from mcoflow.wire.codec import JsonObject
from mcoflow.wire.fields import NAME
from mcoflow.wire.kinds import MESSAGE_LIMIT, VALUES_LIMIT, Outcome


def main() -> int:
    """Perform the order in the directory that the command line names; the exit code means nothing."""
    directory = Path(sys.argv[1])
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    order = read_order(directory)
    prepared = _prepared(order, directory)
    if os.read(0, 1) != GO:
        return 0
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    (directory / BEGUN).touch()
    clock = SystemClock()
    output = CaughtOutput(Recorder(directory, order.run, order.output_cap), clock)
    faultpoint("worker.before_effect")
    done = _performed(prepared, output, clock)
    faultpoint("worker.after_effect")
    write_result(directory, order.run, done)
    faultpoint("worker.result_renamed")
    return 0


def _prepared(order: Order, directory: Path) -> Callable[[], JsonObject]:
    """Load agent and provider before the word comes; what fails is told after it."""
    try:
        agent, _, name = order.operation.partition(".")
        declared = load_agent(agent).declared[name]
        providers = ChosenProviders(order.provider, order.init, order.lock_timeout, directory)
        providers.load(agent)
    except Exception as error:  # noqa: BLE001  told as the result
        return _raising(error)
    return lambda: _perform(declared, order, providers, directory)


def _perform(declared: Declared, order: Order, providers: ChosenProviders, directory: Path) -> JsonObject:
    if order.check and not declared.operation.check:
        raise OperationFailedError("check_unsupported", f"{order.operation} cannot predict what it would do")
    context = Context(
        host=order.host,
        check=order.check,
        packages=providers.packages,
        services=providers.services,
        facts=Facts(order.facts_dir, {}).read,
        policy=order.policy,
        is_agent=lambda pid: belongs_to_agent(pid, directory),
    )
    values = declared.perform(order.args, context)
    if len(codec.dumps(values)) > VALUES_LIMIT:
        raise OperationFailedError("too_large", f"the values are over {VALUES_LIMIT // 1024} KiB")
    return values


def _raising(error: Exception) -> Callable[[], JsonObject]:
    def tell() -> JsonObject:
        raise error

    return tell


def _performed(perform: Callable[[], JsonObject], output: CaughtOutput, clock: Clock) -> Done:
    started_at, start = clock.now(), clock.monotonic()
    try:
        ending: dict[str, Any] = {"outcome": Outcome.OK, "values": perform()}
    except BaseException as error:  # noqa: BLE001  also SystemExit of a plug-in: the result is the outer edge
        ending = {"outcome": Outcome.FAILED, **_failure(error)}
    tail, total, truncated = output.end()
    return Done(
        **ending,
        **_told(ending["values"]),
        started_at=started_at,
        finished_at=clock.now(),
        duration_ms=round((clock.monotonic() - start) * 1000),
        tail=tail,
        output_bytes=total,
        truncated=truncated,
    )


def _failure(error: BaseException) -> dict[str, Any]:
    if isinstance(error, OperationFailedError):
        reason = error.reason if NAME.fullmatch(error.reason) else "failed"
        return {"reason": reason, "message": _clipped(str(error)), "values": error.values}
    if isinstance(error, RefusedError):
        return {"reason": error.reason.value, "message": _clipped(str(error)), "values": {}}
    if not isinstance(error, McoflowError):
        traceback.print_exception(error)
    return {"reason": "exception", "message": _clipped(f"{type(error).__name__}: {error}"), "values": {}}


def _told(values: JsonObject) -> dict[str, Any]:
    """Lift what every result may carry out of the values."""
    changed, code = values.get("changed"), values.get("exit_code")
    return {
        "changed": changed if isinstance(changed, bool) else None,
        "exit_code": code if isinstance(code, int) else None,
    }


def _clipped(text: str) -> str:
    return text.encode("utf-8", "replace")[:MESSAGE_LIMIT].decode("utf-8", "ignore")


if __name__ == "__main__":
    sys.exit(main())
