"""The hosts of a task, whatever their number: who stands how, what went wrong on many, and those again."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from mcoflow.errors import CommandRefusedError, InputInvalidError
from mcoflow.services import Verdict
from mcoflow.services.fleet import FleetView, HeatCell, HostsOfTask
from mcoflow.services.placing import CONFIRM_ABOVE
from mcoflow.services.views import Mark, PlanView
from webui.current import LOCAL, services
from webui.pages.task import page as task_page
from webui.pages.task_acts import carry_out
from webui.parts import Part, answer
from webui.text import sentence

bp = Blueprint("fleet", __name__, url_prefix="/tasks/<uuid:plan_id>")

HEAT_ABOVE: Final = 50
"""Hosts above which a strip shows all of them at once: a page of the table has so many."""
TALL: Final = 24
_HEIGHTS: Final = {
    Mark.PENDING: 2,
    Mark.SKIPPED: 4,
    Mark.CANCELLED: 4,
    Mark.SUCCESS: 8,
    Mark.WARNING: 11,
    Mark.RUNNING: 14,
}
"""How high a bar of the strip is: what went wrong stands out without its colour."""


@dataclass(frozen=True, slots=True)
class Bar:
    """Neighbouring cells of the strip that are alike, as a rectangle."""

    x: int
    y: int
    width: int
    height: int
    mark: Mark
    told: str


class _Reading:
    """What one request reads, each thing once; the task first, so the rest is no older."""

    def __init__(self, plan_id: UUID) -> None:
        self.plan: PlanView = services().plans.show(plan_id)
        self.outcome = request.args.get("outcome", "")
        self.like = request.args.get("like", "")

    @cached_property
    def fleet(self) -> FleetView:
        """All hosts in numbers."""
        return services().fleet.show(self.plan)

    @cached_property
    def hosts(self) -> HostsOfTask:
        """The page of hosts that is asked for."""
        after = request.args.get("after", "")
        return services().fleet.hosts(self.plan.id, outcome=self.outcome, like=self.like, after=after)

    @cached_property
    def played(self) -> Collection[str]:
        """Those on the page that are simulated."""
        return services().hosts.simulated_of(self.plan, [host.name for host in self.hosts.items])

    def bars(self) -> Sequence[Bar]:
        """All hosts at once, if they are many."""
        expected = self.fleet.expected
        return bars_of(services().fleet.heat(self.plan.id, expected)) if expected > HEAT_ABOVE else ()

    def parts(self) -> dict[str, Part]:
        """Return the live parts of the page."""
        chosen = (self.outcome, self.like)
        return {
            "standing": Part("fleet", "standing", lambda: (self.plan, self.fleet, chosen)),
            "heat": Part("fleet", "heat", lambda: (self.plan, self.fleet, self.bars())),
            "hosts": Part("fleet", "hosts", lambda: (self.plan, self.hosts, chosen, self.played)),
        }


@bp.get("/hosts")
def show(plan_id: UUID) -> Response:
    """The hosts of the task, or those of one outcome or error. 404: no such task; 422: no such outcome."""
    reading = _Reading(plan_id)
    if request.args.get("part") is None:
        _ = reading.hosts  # what is wrong with the address is told before anything is drawn
    return answer("task_hosts.html", reading.parts(), plan=reading.plan)


def bars_of(cells: Sequence[HeatCell]) -> Sequence[Bar]:
    """Return the strip as rectangles, one for neighbours that stand alike."""
    bars: list[Bar] = []
    start = 0
    for place, cell in enumerate(cells):
        after = cells[place + 1] if place + 1 < len(cells) else None
        if after is not None and after.words == cell.words:
            continue
        height = _HEIGHTS.get(cell.mark, TALL)
        first = cells[start].first
        who = first if first == cell.last else f"{first} to {cell.last}"
        bars.append(Bar(start, TALL - height, place + 1 - start, height, cell.mark, f"{who}: {cell.words}"))
        start = place + 1
    return bars


@bp.post("/pause-after-wave")
def pause_after_wave(plan_id: UUID) -> ResponseReturnValue:
    """Let the hosts of the current wave have their turn, then pause."""

    def act() -> str:
        services().operating.pause(plan_id, actor=LOCAL, after_wave=True)
        return "It pauses when the hosts of this wave have had their turn."

    return carry_out(plan_id, act, passing="running")


@bp.get("/rerun")
def confirm_rerun(plan_id: UUID) -> Response:
    """Say on which hosts the task would run again, and ask."""
    return _ask(plan_id)


@bp.post("/rerun")
def rerun(plan_id: UUID) -> ResponseReturnValue:
    """Run the task again on the hosts where it failed; of many the number has to be typed."""
    failed = services().rerun.hosts(plan_id, [Verdict.FAILED])
    if len(failed) > CONFIRM_ABOVE and request.form.get("confirm", "").strip() != str(len(failed)):
        fault = f"this goes to {len(failed)} hosts: type {len(failed)} to confirm"
        return _ask(plan_id, fault=fault, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        made = services().rerun.again(plan_id, verdicts=[Verdict.FAILED], user=LOCAL)
    except (CommandRefusedError, InputInvalidError) as refused:
        return task_page(plan_id, problem=sentence(refused), status=HTTPStatus.CONFLICT)
    return redirect(url_for("task.show", plan_id=made.plan_id), HTTPStatus.SEE_OTHER)


def _ask(plan_id: UUID, *, fault: str = "", status: int = HTTPStatus.OK) -> Response:
    plan, failed = services().plans.show(plan_id), services().rerun.hosts(plan_id, [Verdict.FAILED])
    many = len(failed) > CONFIRM_ABOVE
    return answer("rerun.html", {}, plan=plan, failed=failed, many=many, fault=fault, status=status)
