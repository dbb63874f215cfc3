"""What is answered when something goes wrong (RFC 9457)."""

from typing import Annotated

from pydantic import ConfigDict, Field

from mcoflow.services import Act
from webui.api.v1.shapes.base import Answer, Left


class Fault(Answer):
    """What is wrong with one member or parameter; its value is not repeated."""

    pointer: Annotated[str, Field(description="a JSON pointer (RFC 6901); empty: the whole")]
    code: str
    message: str


class Problem(Answer):
    """Five members always; `errors` with 422, `state` and `allowed` where the state of a task forbids it."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    type: Annotated[str, Field(description="the path of a page that explains it")]
    title: str
    status: int
    detail: str
    instance: Annotated[str, Field(description="the id under which the request is logged")]
    errors: Annotated[tuple[Fault, ...] | None, Left] = None
    state: Annotated[str | None, Left] = None
    allowed: Annotated[tuple[Act, ...] | None, Left] = None
