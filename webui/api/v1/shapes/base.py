"""What the shapes are made of."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

MAX_PAGE: Final = 500
_YEARS: Final = range(1970, 9000)


def rfc3339(at: datetime) -> str:
    """Return a time as `2026-11-21T10:42:07.123Z`."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


Moment = Annotated[
    datetime, PlainSerializer(rfc3339), WithJsonSchema({"type": "string", "format": "date-time"})
]


class Answer(BaseModel):
    """What is answered."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sent(BaseModel):
    """What is sent in a body: nothing is guessed, nothing unknown is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Query(BaseModel):
    """What is sent in a URL, where everything is text."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Query):
    """No parameters, or a body without members."""


Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""Words that are searched for, or a name that is compared."""
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE, description="items of a page at the most")]
Cursor = Annotated[Text, Field(description="the `next` of the page before")]
Next = Annotated[str, Field(description="the `cursor` of the page behind this one; empty at the end")]


def _left_out(schema: dict[str, Any]) -> None:
    """Leave null out of a schema: it stands for what was not sent."""
    schema.pop("default", None)
    (only,) = [each for each in schema.pop("anyOf") if each != {"type": "null"}]
    schema.update(only)


Left = Field(json_schema_extra=_left_out)
"""For what may be left out, and is never null."""


def _split(value: Any) -> Any:
    return [each for each in value.split(",") if each] if isinstance(value, str) else value


Several = BeforeValidator(_split)
"""For a tuple of values, with commas between them: one of these; empty: any."""


class Paged(Query):
    """A page of a list."""

    limit: Limit = 50
    cursor: Cursor = ""


def _read_time(value: Any) -> datetime:
    """Read a time of RFC 3339; a number could mean several things."""
    if not isinstance(value, str):
        raise ValueError("should be a text like 2026-11-22T04:00:00Z")
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("should be a time like 2026-11-22T04:00:00Z") from None
    if at.tzinfo is None or at.year not in _YEARS:
        raise ValueError("should be a time with its zone, like 2026-11-22T04:00:00Z")
    return at


When = Annotated[
    datetime, BeforeValidator(_read_time), WithJsonSchema({"type": "string", "format": "date-time"})
]
