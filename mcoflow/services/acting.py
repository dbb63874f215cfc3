"""Acting on tasks for programs: an act is refused by the state that the task shows, or committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from mcoflow.domain.requests import Cover
from mcoflow.errors import CommandRefusedError, NotStoredYetError, WaitTimeoutError
from mcoflow.ports.fleet import Verdict
from mcoflow.services.acts import Act, acts_of
from mcoflow.services.operating import Operating
from mcoflow.services.plans import Plans
from mcoflow.services.rerun import Rerun

T = TypeVar("T")


class Acting:
    """The use cases of acts. All raise PlanNotFoundError, and CommandRefusedError if the state forbids it.

    All return once it is committed; what no executor has applied yet has told no step. NotStoredYetError: it
    may be committed later, or never.
    """

    def __init__(self, plans: Plans, operating: Operating, rerun: Rerun) -> None:
        self._plans, self._operating, self._rerun = plans, operating, rerun

    def cancel(self, plan_id: UUID, *, actor: str, force: bool = False) -> Sequence[int]:
        """Cancel a task; return the steps that were told. `force` as Plans.cancel has it."""
        self._check(plan_id, Act.CANCEL)
        return _committed(lambda: self._plans.cancel(plan_id, actor=actor, force=force), ())

    def abort(self, plan_id: UUID, *, actor: str) -> Sequence[int]:
        """Cancel without waiting for any host; return the steps that were told, or ended."""
        self._check(plan_id, Act.ABORT)
        return _committed(lambda: self._operating.abort(plan_id, actor=actor), ())

    def halt(self, plan_id: UUID, *, actor: str) -> None:
        """Stop a task at once, whatever its executor does."""
        self._check(plan_id, Act.HALT)
        self._operating.halt(plan_id, reason="by hand", actor=actor)

    def pause(self, plan_id: UUID, *, actor: str, after_wave: bool = False) -> None:
        """Let a running task come to rest, at once or after the current wave; asked twice it is the same."""
        self._check(plan_id, Act.PAUSE)
        _committed(lambda: self._operating.pause(plan_id, actor=actor, after_wave=after_wave), None)

    def withdraw_pause(self, plan_id: UUID, *, actor: str) -> None:
        """Let a running task not pause; if it was not to, nothing changes."""
        self._check(plan_id, Act.PAUSE)
        if self._plans.show(plan_id).will_pause:
            _committed(lambda: self._plans.resume(plan_id, actor=actor), None)

    def resume(self, plan_id: UUID, *, actor: str) -> None:
        """Let a paused task go on: failed steps again, done ones never."""
        self._check(plan_id, Act.RESUME)
        _committed(lambda: self._plans.resume(plan_id, actor=actor), None)

    def skip(
        self,
        plan_id: UUID,
        step_id: int,
        *,
        actor: str,
        cover: Cover = Cover.FOLLOWERS,
        dry_run: bool = False,
    ) -> Sequence[int]:
        """Skip a failed step and what hangs on it; return all of them. `dry_run` changes nothing.

        Only the step itself is returned of a skip that no executor has applied yet.
        """
        self._check(plan_id, Act.SKIP)
        return _committed(
            lambda: self._plans.skip(plan_id, step_id, actor=actor, cover=cover, dry_run=dry_run), (step_id,)
        )

    def amend(self, plan_id: UUID, action_id: int, given: Mapping[str, Any], *, actor: str) -> None:
        """Give an action of a paused task another input, with which it goes on; InputInvalidError."""
        self._check(plan_id, Act.AMEND)
        _committed(lambda: self._operating.amend(plan_id, action_id, given, actor=actor), None)

    def rerun(self, plan_id: UUID, verdict: Verdict | None, *, user: str) -> UUID:
        """Make a task as one that has ended, on its hosts that stand so, or all; return its id.

        Raises:
            UnknownActionError, InputInvalidError: as Rerun.again; nothing was made.
        """
        self._check(plan_id, Act.RERUN)
        verdicts = () if verdict is None else (verdict,)
        return self._rerun.again(plan_id, verdicts=verdicts, user=user).plan_id

    def _check(self, plan_id: UUID, act: Act) -> None:
        plan = self._plans.show(plan_id)
        allowed = acts_of(plan)
        if act not in allowed:
            named = f"{'an' if act[0] in 'aeiou' else 'a'} {act}"
            raise CommandRefusedError.by_state(named, plan_id, plan.state, allowed)


def _committed(act: Callable[[], T], unheard: T) -> T:
    """Return what came of a command; `unheard` for one that waits for an executor."""
    try:
        return act()
    except NotStoredYetError:
        raise
    except WaitTimeoutError:
        return unheard
