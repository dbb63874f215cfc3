"""Operations of an agent plug-in, performed in the test's own process."""

from collections.abc import Mapping
from random import Random
from typing import Any

from mcoflow.agent.operations import Agent, Context
from mcoflow.agent.policy import Policy
from mcoflow.agent.providers.fake import FakePackages, FakeServices


def perform(
    agent: Agent,
    operation: str,
    args: Mapping[str, Any],
    *,
    check: bool = False,
    facts: Mapping[str, Any] | None = None,
    policy: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Mapping[str, Any]:
    """Check the arguments as a real agent does, call the function, and return its output as JSON values.

    `context.packages()` and `context.services()` are played, by chance from `seed`; `policy` is what
    policy.toml would say.

    Raises:
        RefusedError: the arguments do not fit, or the policy does not allow them.
        OperationFailedError: the operation failed; other exceptions are passed on.
    """
    chance, allowed = Random(seed), Policy.model_validate(dict(policy or {}))  # noqa: S311  plays
    declared = agent.declared[operation]
    context = Context(
        host="test",
        check=check,
        packages=lambda: FakePackages(chance),
        services=lambda: FakeServices(chance),
        facts=lambda: dict(facts or {}),
        policy=allowed,
    )
    declared.check_input(args)
    declared.operation.permit(dict(args), allowed)
    return declared.perform(args, context)
