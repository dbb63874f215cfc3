"""Whether arguments fit the plan method of an action."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mcoflow.errors import InputInvalidError


def check_arguments(
    where: str, plan: Callable[..., Any], args: Sequence[Any], named: Mapping[str, Any]
) -> None:
    """Raise InputInvalidError, naming what is wrong and what `plan` takes, unless it takes these arguments.

    `plan` is the method as its class has it: `self` is its first parameter.
    """
    signature = inspect.signature(plan)
    try:
        signature.bind(None, *args, **named)
    except TypeError as misfit:
        takes = ", ".join(str(each) for each in list(signature.parameters.values())[1:] if str(each) != "/")
        raise InputInvalidError(f"{where}: {misfit}; it takes {takes or 'no arguments'}") from None
