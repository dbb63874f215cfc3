"""All that can stand in an envelope: the bodies by kind, and how each is read."""

from collections.abc import Mapping
from typing import Final

from mcoflow.wire.kinds import Kind, Outcome, Stream, Up, Want, Work
from mcoflow.wire.replies import AcceptedBody, OutputBody, PresenceBody, ProgressBody, ResultBody
from mcoflow.wire.to_hosts import CancelBody, DiscoverBody, QueryBody, RequestBody

__all__ = [
    "BODIES",
    "AcceptedBody",
    "Body",
    "CancelBody",
    "DiscoverBody",
    "Kind",
    "Outcome",
    "OutputBody",
    "PresenceBody",
    "ProgressBody",
    "QueryBody",
    "RequestBody",
    "ResultBody",
    "Stream",
    "Up",
    "Want",
    "Work",
]

Body = (
    RequestBody
    | CancelBody
    | QueryBody
    | DiscoverBody
    | AcceptedBody
    | ProgressBody
    | OutputBody
    | ResultBody
    | PresenceBody
)

BODIES: Final[Mapping[str, type[Body]]] = {
    Kind.REQUEST: RequestBody,
    Kind.CANCEL: CancelBody,
    Kind.QUERY: QueryBody,
    Kind.DISCOVER: DiscoverBody,
    Kind.ACCEPTED: AcceptedBody,
    Kind.PROGRESS: ProgressBody,
    Kind.OUTPUT: OutputBody,
    Kind.RESULT: ResultBody,
    Kind.PRESENCE: PresenceBody,
}
