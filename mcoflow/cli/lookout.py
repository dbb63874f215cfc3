"""Who has to be there for a task to move, and is not: said once when it is so, and once when it is over."""

from typing import TYPE_CHECKING, Final

from mcoflow.cli.shell import Shell

if TYPE_CHECKING:
    from mcoflow.services import Services
    from mcoflow.services.views import ExecutorView

RUNS_WHEN: Final = "the task is stored and runs when `mcoflow up` or `mcoflow executor` is started"
SENT_WHEN: Final = "requests are stored and go out when it is back; `mcoflow doctor` tells more"


class Lookout:
    """Looks at executors and broker; what is as it was the last time is not said again."""

    def __init__(self, shell: Shell, services: "Services") -> None:
        self._shell, self._services = shell, services
        self._said: dict[str, str] = {"executor": "", "broker": ""}

    @property
    def way_on(self) -> str:
        """What becomes of a task that is no longer waited for."""
        if self._said["executor"]:
            return RUNS_WHEN
        return SENT_WHEN if self._said["broker"] else "it goes on without you"

    def look(self) -> None:
        """Say who is away, or there again."""
        self._tell("executor", self._executors(), "an executor is alive now: the task goes on")
        self._tell("broker", self._broker(), "the broker can be reached again: requests go out now")

    def _tell(self, what: str, wrong: str, over: str) -> None:
        if bool(wrong) != bool(self._said[what]):
            self._shell.say(wrong or over)
        self._said[what] = wrong

    def _executors(self) -> str:
        found = self._services.health.executors()
        if any(executor.alive for executor in found) and not self._is_up_gone():
            return ""
        last = max(found, key=lambda executor: executor.last_seen, default=None)
        seen = f" (the last, {last.name}, was heard of {self._since(last)})" if last else ""
        return f"no executor is alive{seen}: {RUNS_WHEN}"

    def _is_up_gone(self) -> bool:
        """Whether the one process that can run anything is dead, although its lease has not run out yet."""
        from mcoflow.bootstrap.roles import up_holder
        from mcoflow.bootstrap.settings import is_in_process

        config = self._shell.config()
        return is_in_process(config.broker) and up_holder(config) is None

    def _since(self, last: "ExecutorView") -> str:
        from mcoflow.cli.render import ago

        return ago(last.last_seen, self._services.clock.now())

    def _broker(self) -> str:
        from mcoflow.bootstrap.inspect_broker import knock

        refused = knock(self._shell.config())
        return f"the broker cannot be reached from here ({refused}): {SENT_WHEN}" if refused else ""
