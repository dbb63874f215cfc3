"""Every fault point there is, in one place. Source: the project's reliability specification, 3.1."""

from typing import Final

SUBMITTING: Final = ("planner.mid", "plan.before_commit", "plan.after_commit")
"""Hit by who submits a plan."""
RUNNING: Final = (
    "director.before_commit",
    "director.after_commit",
    "outbox.before_publish",
    "outbox.after_publish",
    "outbox.after_receipt",
    "reply.received",
    "reply.committed",
    "reply.acked",
    "run.mid",
    "timer.fired",
)
"""Hit by an executor that runs plans of its own."""
PLANNING_LATER: Final = ("schedule.claimed",)
"""Hit by an executor that plans what was scheduled."""
TAKING_OVER: Final = (
    "reconciler.mid",
    "recovery.queue_taken",
    "lease.before_take",
    "recovery",
    "recovery.plan_taken",
    "lease.after_take",
)
"""Hit by an executor that takes over what another one left."""
DISCOVERING: Final = ("discovery.claimed", "discovery.asked")
"""Hit by an executor that asks hosts whether they are there."""
COMMAND: Final = "command.committed"
MIGRATION: Final = "migration"
CLEANING: Final = "clean.saved"
"""Hit by who removes old plans."""

SERVER: Final = (
    *SUBMITTING,
    *RUNNING,
    *PLANNING_LATER,
    *TAKING_OVER,
    *DISCOVERING,
    COMMAND,
    MIGRATION,
    CLEANING,
)
AGENT: Final = (
    "agent.delivered",
    "agent.journaled",
    "agent.acked",
    "agent.accepted_confirmed",
    "agent.executing",
    "agent.done",
    "agent.result_sent",
    "agent.result_confirmed",
    "agent.kill",
    "agent.recovery",
)
WORKER: Final = ("worker.before_effect", "worker.after_effect", "worker.result_renamed")
"""Hit by the process of one operation."""
