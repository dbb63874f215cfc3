"""What an author of actions imports."""

from mcoflow.action.base import Action, Cancellable
from mcoflow.action.hooks import plan_hook
from mcoflow.action.host_action import HostAction
from mcoflow.action.limits import Limits, SubPlanCounts
from mcoflow.action.middleware import Middleware, Middlewares
from mcoflow.action.polling import Polling
from mcoflow.action.presentation import MissingAction, Presentation
from mcoflow.action.registry import REGISTERED, Registry
from mcoflow.action.rescue import Rescue
from mcoflow.action.retry import Retry
from mcoflow.action.singleton import Singleton
from mcoflow.action.sub_plans import SubPlan, WithSubPlans
from mcoflow.action.transaction import TransactionAdapter
from mcoflow.action.user_events import user_event
from mcoflow.action.world import StoredPlan, WorldHandle
from mcoflow.domain.caller import Caller
from mcoflow.domain.chunks import Chunk
from mcoflow.domain.events import (
    FOREVER,
    Cancel,
    Deadlines,
    Event,
    HostRequest,
    Poll,
    Reply,
    Silence,
    Timeout,
    UserEvent,
)
from mcoflow.domain.locks import Lock
from mcoflow.domain.reference import OutputReference
from mcoflow.domain.rollout import Offline, OnExceed, Rollout, Share
from mcoflow.ports.engine import SentEvent

__all__ = [
    "FOREVER",
    "REGISTERED",
    "Action",
    "Caller",
    "Cancel",
    "Cancellable",
    "Chunk",
    "Deadlines",
    "Event",
    "HostAction",
    "HostRequest",
    "Limits",
    "Lock",
    "Middleware",
    "Middlewares",
    "MissingAction",
    "Offline",
    "OnExceed",
    "OutputReference",
    "Poll",
    "Polling",
    "Presentation",
    "Registry",
    "Reply",
    "Rescue",
    "Retry",
    "Rollout",
    "SentEvent",
    "Share",
    "Silence",
    "Singleton",
    "StoredPlan",
    "SubPlan",
    "SubPlanCounts",
    "Timeout",
    "TransactionAdapter",
    "UserEvent",
    "WithSubPlans",
    "WorldHandle",
    "plan_hook",
    "user_event",
]
