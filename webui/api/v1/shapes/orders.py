"""What is said to make or preview a task, and what would be done."""

from typing import Annotated, Any, Literal

from pydantic import Field

from mcoflow.services import RolloutInput
from webui.api.v1.shapes.base import Answer, Left, Sent, When


class Order(Sent):
    """A task that is wanted. What an action takes as `input`, `/actions/{name}/schema` says.

    Where: in the input, or as `targets`. The `action` may be an operation that hosts offer, like
    `package.search`: then `input` is that of the operation, and `targets` says where.
    """

    action: Annotated[str, Field(min_length=1, max_length=200)]
    input: Annotated[dict[str, Any], Field(default_factory=dict)]
    targets: Annotated[
        str, Field(max_length=4096, description="a target, like `os.id=debian and role=web`, or names")
    ] = ""
    rollout: Annotated[RolloutInput | None, Left] = None
    offline: Annotated[Literal["wait", "skip", "fail"] | None, Left] = None
    start_at: Annotated[When | None, Left] = None
    start_before: Annotated[When | None, Left] = None
    digest: Annotated[
        str,
        Field(max_length=64, description="of a preview: 409 if other hosts or waves would come of it now"),
    ] = ""


class Preview(Answer):
    """What would be done; nothing is stored.

    `offline`: those of the hosts that are not online; `simulated`: those that only play it. `unknown`: names
    in `targets` that no host has, and that are left out.
    """

    hosts: tuple[str, ...]
    steps: int
    waves: Annotated[tuple[int, ...], Field(description="hosts of each wave; none: the action decides")]
    offline: tuple[str, ...]
    simulated: tuple[str, ...]
    unknown: tuple[str, ...]
    digest: str
