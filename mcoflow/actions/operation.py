"""Ask hosts for any operation that they declare."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from mcoflow.action import Action, Deadlines, HostAction, HostRequest
from mcoflow.action.naming import on_hosts
from mcoflow.actions.models import Checked, Host
from mcoflow.actions.turns import in_turn
from mcoflow.actions.where import frozen, without_target
from mcoflow.errors import MalformedMessageError
from mcoflow.wire import codec
from mcoflow.wire.kinds import ARGS_LIMIT


def _bounded(args: dict[str, Any]) -> dict[str, Any]:
    try:
        size = len(codec.dumps(args))
    except MalformedMessageError as error:
        raise ValueError(str(error)) from None
    if size > ARGS_LIMIT:
        raise ValueError(f"{size} bytes are too many, {ARGS_LIMIT} at most")
    return args


Operation = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,31}\.[a-z][a-z0-9_]{0,31}$",
        max_length=65,
        description="agent.operation, as the hosts declare it",
        examples=["file.checksum"],
    ),
]
Args = Annotated[dict[str, Any], AfterValidator(_bounded), Field(description="the operation's own input")]
Seconds = Annotated[float, Field(gt=0, le=86_400, description="seconds that it may take")]


class OperationOnHosts(Checked):
    """One operation on some hosts."""

    operation: Operation
    args: Args = Field(default_factory=dict)
    timeout: Seconds = 60.0


class _OnHost(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    host: Host
    operation: Operation
    args: Args
    timeout: Seconds
    check: bool = False


class OperateHost(HostAction):
    """Ask the agent of one host for one operation.

    Output: the values that the operation declares. Errors: HostError with the outcome in words.
    """

    name = "operate_host"
    title = "Run"
    Input = _OnHost

    @classmethod
    def asks_for(cls, given: Mapping[str, Any]) -> str:
        """The one that the input names."""
        return str(given["operation"])

    def request_for_host(self) -> HostRequest:
        """The request, with the arguments as they are: the agent checks them against its own declaration."""
        agent, _, operation = self.input["operation"].partition(".")
        deadlines = Deadlines(run=timedelta(seconds=self.input["timeout"]))
        check = bool(self.input["check"])
        return self.request(agent, operation, self.input["args"], check=check, deadlines=deadlines)


class Operate(Action):
    """Have hosts perform an operation that they declare.

    `mcoflow action list --declared` shows the operations; `mcoflow run <agent>.<operation>` is short for it.
    """

    name = "operation"
    title = "Run an operation"
    Input = OperationOnHosts

    def plan(self, **fields: Any) -> None:
        """Plan one step a host. A host that fails pauses the plan; the others go on."""
        self.input = frozen(self, self.validated(fields))
        asked = without_target(self.input)
        for host in in_turn(self, self.input):
            self.plan_action(OperateHost, host=host, **asked)

    def label(self) -> str:
        """`file.checksum on web1`."""
        return f"{self.input['operation']} {on_hosts(self.input['hosts'])}"
