"""What went wrong stands once on the page of a task, however many hosts it went wrong on."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import unescape
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import ErrorRecord
from mcoflow.domain.requests import EvidenceRecord
from mcoflow.domain.rollout import RolloutRecord, Tally
from mcoflow.domain.states import Phase, PlanResult, PlanState, StepState
from mcoflow.ports.store import Changes
from mcoflow.services.views import PlanView
from mcoflow.testing.contracts.samples import draft
from tests.servers.house import House
from tests.unit.webui.conftest import Person
from tests.unit.webui.test_form import made

NO_SPACE = "failed (exit 100): No space left on device"


def failing(house: House, errors: Sequence[str], *, of: int, explanation: str, exceeded: str = "") -> UUID:
    """A paused task on so many hosts: on the first of them it failed with these errors."""
    plan = draft(hosts=of, plan_id=uuid4(), label="failing", args="{}")
    plan.plan.state, plan.plan.result = PlanState.PAUSED, PlanResult.ERROR
    plan.plan.explanation, plan.plan.hosts = explanation, tuple(f"web{n}" for n in range(1, of + 1))
    plan.plan.counts = {StepState.ERROR: len(errors), StepState.SUCCESS: of - len(errors)}
    if exceeded:
        tally = Tally(of, 2, 1, ok=of - len(errors), failed=len(errors), exceeded=exceeded)
        plan.plan.rollout = RolloutRecord((tally,))
    steps = []
    left = list(errors)
    for step in plan.steps:
        if step.host is None or step.phase is not Phase.RUN:
            steps.append(step)
        elif left:
            error = ErrorRecord("HostError", left.pop(0))
            wrong = {"outcome": Outcome.FAILED, "reason": "exit 100", "error": error}
            steps.append(replace(step, state=StepState.ERROR, **wrong))
        else:
            steps.append(replace(step, state=StepState.SUCCESS, outcome=Outcome.OK))
    house.store.commit(Changes(new_plans=[replace(plan, steps=steps)]))
    return plan.plan.id


@pytest.mark.parametrize(("late", "shown"), [(2, 2), (40, 20)])
def test_many_messages_that_changed_nothing_are_folded_away_and_few_are_not(
    house: House, client: FlaskClient, late: int, shown: int
) -> None:
    """An executor that died amid a wave leaves one for each host under way: they would be all of the page."""
    plan_id = failing(house, [NO_SPACE], of=40, explanation=NO_SPACE)
    kept = [EvidenceRecord(1.0, "late", f"web{n}", None, plan_id, b"{}") for n in range(late)]
    house.store.commit(Changes(evidence=kept))

    page = client.get(f"/tasks/{plan_id}").text

    assert page.count("<summary>message</summary>") == shown
    folded = "<summary>More than 20 messages that changed nothing, the first of them</summary>"
    assert (folded in page, "Messages that changed nothing</h2>" in page) == (late == 40, late == 2)


def test_the_same_error_stands_once_and_leads_to_its_hosts(house: House, client: FlaskClient) -> None:
    """Pages, 3.3: with how many hosts there are, and the first of them."""
    told = f"web1, web2, web3 and 27 more: {NO_SPACE}"
    plan_id = failing(house, [NO_SPACE] * 30, of=40, explanation=told)

    page = client.get(f"/tasks/{plan_id}").text

    assert page.count("No space left on device") == 1
    found = re.search(r'<a href="([^"]+\?like=[^"]+)">30 hosts</a>', page)
    assert found
    hosts = client.get(unescape(found[1])).text
    assert len(re.findall(r'<tr data-key="web', hosts)) == 30
    assert page.count("Skip…") == 30  # what can be done stays at each step


def test_the_page_does_not_grow_with_the_hosts_that_failed(house: House, client: FlaskClient) -> None:
    def size(errors: Sequence[str]) -> int:
        plan_id = failing(house, errors, of=400, explanation=f"web1: {errors[0]}")
        return len(client.get(f"/tasks/{plan_id}").data)

    some, many, all_else = (
        size([NO_SPACE] * 60),
        size([NO_SPACE] * 400),
        size([f"failed (exit 100): error number {number:03}" for number in range(400)]),
    )

    assert abs(many - some) < 200
    assert all_else < many + 8_000  # each of the 50 steps on the page has an error of its own


def test_five_errors_are_told_and_the_way_to_the_others(house: House, client: FlaskClient) -> None:
    errors = [f"failed (exit 100): no {word}" for word in ("a", "b", "c", "d", "e", "f", "g")]
    plan_id = failing(house, errors, of=7, explanation=f"web1: {errors[0]}; and 6 more")

    page = client.get(f"/tasks/{plan_id}").text

    head = page.split('data-part="called"')[0]
    assert len(re.findall(r"like=web\d", head)) == 5
    assert f'href="/tasks/{plan_id}/hosts?outcome=failures">All errors</a>' in page
    for error in errors:
        assert page.count(error.partition(": ")[2]) == 1  # those beyond five stand at their steps


def test_why_it_rests_is_told_beside_the_errors(house: House, client: FlaskClient) -> None:
    """The limit in words, without the errors that stand below."""
    told = f"failure limit of 5 % passed: 3 of 40 hosts failed, 0 hosts have not begun (web1: {NO_SPACE})"
    plan_id = failing(house, [NO_SPACE] * 3, of=40, explanation=told, exceeded="failure limit of 5 % passed")

    page = client.get(f"/tasks/{plan_id}").text

    assert "failure limit of 5 % passed: 3 of 40 hosts failed, 0 hosts have not begun</p>" in page
    assert page.count("No space left on device") == 1


def test_what_is_no_error_of_a_host_stays(house: House, client: FlaskClient) -> None:
    told = "paused on request in wave 1 of 2: 5 hosts have not begun"
    plan_id = failing(house, [NO_SPACE], of=10, explanation=told)

    page = client.get(f"/tasks/{plan_id}").text

    assert f'<p class="explain">{told}</p>' in page
    assert page.count("No space left on device") == 1


def test_on_one_host_it_stands_once_as_well(
    person: Person, client: FlaskClient, ended: Callable[[UUID], PlanView]
) -> None:
    """The explanation says it; the steps, and the history, do not repeat it."""
    sent = person.send("/trigger", hostname="gone-for-ever", param="web", action="restart")
    plan = ended(made(sent.headers["Location"]))

    page = unescape(client.get(f"/tasks/{plan.id}").text)

    assert plan.explanation.startswith("gone-for-ever: no agent for gone-for-ever")
    assert page.count(plan.explanation) == 1
    assert page.count('class="step-error"') == 0


@pytest.mark.parametrize("part", ["head", "steps"])
def test_a_part_equals_the_page(house: House, client: FlaskClient, part: str) -> None:
    """W-018."""
    plan_id = failing(house, [NO_SPACE] * 3, of=5, explanation=f"web1, web2, web3: {NO_SPACE}")

    assert client.get(f"/tasks/{plan_id}?part={part}").text in client.get(f"/tasks/{plan_id}").text


def test_the_steps_of_many_hosts_are_folded_until_they_are_asked_for(
    house: House, client: FlaskClient
) -> None:
    plan_id = failing(house, [NO_SPACE] * 3, of=21, explanation=f"web1, web2, web3: {NO_SPACE}")
    folded = '<details><summary class="pad"><h2 id="steps-heading"'

    assert folded in client.get(f"/tasks/{plan_id}").text
    opened = client.get(f"/tasks/{plan_id}?after=4").text
    assert folded not in opened
    assert folded.replace("<details>", "<details open>") in opened


def test_what_was_borne_as_a_warning_is_drawn_and_counted_as_such(house: House, client: FlaskClient) -> None:
    """B-059: in the bar of the task, among its hosts, and in the strip of them; a shape, a word, a colour."""
    plan = draft(hosts=60, plan_id=uuid4(), label="borne", args="{}")
    plan.plan.state, plan.plan.result = PlanState.STOPPED, PlanResult.WARNING
    plan.plan.counts, plan.plan.warned = {StepState.SUCCESS: 60}, 15
    hosts = [step for step in plan.steps if step.host is not None]
    for number, step in enumerate(hosts):
        step.state, step.outcome = StepState.SUCCESS, Outcome.FAILED if number < 15 else Outcome.OK
        step.warnings = ("php: no such package",) if number < 15 else ()
    house.store.commit(Changes(new_plans=[plan]))

    page = client.get(f"/tasks/{plan.plan.id}").text
    fleet = client.get(f"/tasks/{plan.plan.id}/hosts?outcome=warned").text

    assert 'aria-label="60 of 60 done, 15 of them warned"' in page
    assert '<rect class="s-success" x="0.0%" width="75.0%"' in page
    assert '<rect class="s-warning" x="75.0%" width="25.0%"' in page
    assert re.search(r"</svg> Warned <span class=\"number\">15<", fleet)
    assert len(re.findall(r'<tr data-key="web', fleet)) == 15
    assert fleet.count('<td class="c-title">php: no such package</td>') == 15
    assert '<rect class="s-warning"' in fleet
