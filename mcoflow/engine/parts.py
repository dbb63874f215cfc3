"""What the director directs."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcoflow.engine.committer import Committer
from mcoflow.engine.hooks import Hooks
from mcoflow.engine.letter import Letter
from mcoflow.engine.mailbox import Mailbox
from mcoflow.engine.memory import Memory
from mcoflow.engine.observing import Observing
from mcoflow.engine.outputs import Outputs
from mcoflow.engine.people import People
from mcoflow.engine.post import Post
from mcoflow.engine.receipts import Receipts
from mcoflow.engine.recovery import Recovery
from mcoflow.engine.replies import Replies
from mcoflow.engine.resting import Resting
from mcoflow.engine.steps import Steps
from mcoflow.engine.workers import Pool


@dataclass(slots=True)
class Parts:
    """One of each."""

    memory: Memory
    steps: Steps
    resting: Resting
    replies: Replies
    people: People
    recovery: Recovery
    receipts: Receipts
    workers: Pool
    hooks: Hooks
    post: Post
    committer: Committer
    observing: Observing
    outputs: Outputs
    mailbox: Mailbox[Letter] = field(default_factory=Mailbox)
