"""How an agent's operations are declared: plain functions between two models. Plug-ins use this file."""

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any, Final, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError

from mcoflow.agent.execution import Operation, RefusedError, no_lock, permit_all
from mcoflow.agent.policy import Policy
from mcoflow.agent.providers.port import PackageProvider, ServiceProvider
from mcoflow.errors import ConfigurationError, MalformedMessageError, OperationFailedError
from mcoflow.wire import codec
from mcoflow.wire.codec import JsonObject
from mcoflow.wire.fields import NAME
from mcoflow.wire.kinds import Refusal

_MINUTE: Final = timedelta(minutes=1)
_DAY: Final = timedelta(days=1)
_BOUNDS: Final = {"string": {"maxLength", "enum", "const", "format"}, "array": {"maxItems"}}


class Strict(BaseModel):
    """Base of an operation's input and output: no extras, no conversions, no change after reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _is_itself(pid: int) -> bool:
    """What can be told without knowing the daemon."""
    return pid in (1, os.getpid(), os.getppid())


def _no_requests(_limit: int) -> Sequence[JsonObject]:
    """Only the daemon itself knows them."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What an operation may ask of its host. With `check` it predicts and changes nothing.

    `operations` and `requests` are what the daemon itself knows: empty elsewhere. `is_agent` tells whether a
    process is the agent itself, which no operation may hit.
    """

    host: str
    check: bool
    packages: Callable[[], PackageProvider]
    services: Callable[[], ServiceProvider]
    facts: Callable[[], JsonObject]
    policy: Policy = field(default_factory=Policy)
    is_agent: Callable[[int], bool] = _is_itself
    operations: Callable[[], Sequence[Operation]] = tuple
    requests: Callable[[int], Sequence[JsonObject]] = _no_requests


@dataclass(frozen=True, slots=True)
class Declared:
    """An operation and its function. `here`: it runs in the daemon itself; only what ends at once may."""

    operation: Operation
    function: Callable[..., BaseModel]
    here: bool

    def check_input(self, args: Mapping[str, Any]) -> BaseModel:
        """Return the input; raise RefusedError invalid_args that names the first bad argument."""
        try:
            return self.operation.input_model.model_validate_json(codec.dumps(args))
        except MalformedMessageError as error:
            raise RefusedError(Refusal.INVALID_ARGS, f"{self.operation.key}: {error}") from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"])) or "the arguments"
            raise RefusedError(
                Refusal.INVALID_ARGS, f"{self.operation.key}: {where}: {first['msg']}"
            ) from None

    def perform(self, args: Mapping[str, Any], context: Context) -> JsonObject:
        """Run the function and return its output as JSON values; what it raises is passed on."""
        given = self.check_input(args)
        wanted = (given, context) if _takes_context(self.function) else (given,)
        output = self.function(*wanted)
        if not isinstance(output, self.operation.output_model):
            raise OperationFailedError(
                "bad_output", f"{self.operation.key} returned no {self.operation.output_model.__name__}"
            )
        return output.model_dump(mode="json")


@cache
def _takes_context(function: Callable[..., BaseModel]) -> bool:
    """Look once: to ask a signature costs more than most of what a simulated host does."""
    return len(inspect.signature(function).parameters) > 1


Function = TypeVar("Function", bound=Callable[..., BaseModel])


class Agent:
    """A named group of operations; a plug-in makes one and offers it as entry point `mcoflow.agents`."""

    def __init__(self, name: str) -> None:
        if NAME.fullmatch(name) is None:
            raise ConfigurationError(f"agent {name!r}: the name must be like {NAME.pattern}")
        self.name = name
        self.declared: dict[str, Declared] = {}

    def operation(
        self,
        *,
        summary: str,
        timeout: timedelta = _MINUTE,
        idempotent: bool = False,
        changes: bool = True,
        check: bool = False,
        interruptible: bool = True,
        lock: Callable[[JsonObject], str | None] = no_lock,
        permit: Callable[[JsonObject, Policy], None] = permit_all,
        here: bool = False,
    ) -> Callable[[Function], Function]:
        """Declare the function below as an operation of its name.

        The function takes its input model, then a Context if it wants one, and returns its output model.
        Raises ConfigurationError for missing annotations and for models that leave a size unbounded.
        """

        def declare(function: Function) -> Function:
            given, output = _models(function)
            declared = Operation(
                agent=self.name,
                name=function.__name__,
                summary=summary,
                input_model=given,
                output_model=output,
                timeout=timeout,
                max_timeout=_DAY,
                idempotent=idempotent,
                changes=changes,
                check=check,
                interruptible=interruptible,
                lock=lock,
                permit=permit,
            )
            self._add(Declared(declared, function, here))
            return function

        return declare

    def _add(self, declared: Declared) -> None:
        name = declared.operation.name
        if NAME.fullmatch(name) is None or name in self.declared:
            raise ConfigurationError(f"operation {name!r} of agent {self.name}: declared twice or ill named")
        self.declared[name] = declared


def _models(function: Callable[..., BaseModel]) -> tuple[type[BaseModel], type[BaseModel]]:
    hints = get_type_hints(function)
    first = next(iter(inspect.signature(function).parameters), "")
    found = (hints.get(first), hints.get("return"))
    for model in found:
        if not (isinstance(model, type) and issubclass(model, Strict)):
            raise ConfigurationError(
                f"{function.__name__}: input and output must be annotated with Strict models"
            )
        for path in unbounded(model.model_json_schema()):
            raise ConfigurationError(f"{model.__name__}: {path} has no greatest length")
    return found  # type: ignore[return-value]  # both were seen to be models


def unbounded(schema: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each text without greatest length and each list without greatest count."""
    if isinstance(schema, list):
        for inner in schema:
            yield from unbounded(inner, path)
    if not isinstance(schema, dict):
        return
    bounds = _BOUNDS.get(schema["type"]) if isinstance(schema.get("type"), str) else None
    if bounds is not None and not bounds & schema.keys():
        yield path or "the value"
    for key, inner in schema.items():
        if key not in ("default", "examples", "const", "enum"):
            yield from unbounded(inner, f"{path}.{key}" if path else key)
