"""The hosts of a task: in numbers, filtered, the same error once, all at once in a strip; and those again."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from mcoflow.domain.outcome import Outcome
from mcoflow.domain.records import ErrorRecord
from mcoflow.domain.states import PlanResult, PlanState, StepState
from mcoflow.ports.store import Changes
from mcoflow.services.fleet import HeatCell
from mcoflow.services.views import Mark, PlanView
from mcoflow.testing.contracts.samples import draft
from tests.servers.house import House
from tests.statements import counted
from tests.unit.webui.conftest import Person
from tests.unit.webui.test_cost import (
    PAGE_BYTES,
    PART_BYTES,
    STATEMENTS_PER_PAGE,
    STATEMENTS_PER_PART,
)
from webui.pages.task_hosts import bars_of


def fleet(house: House, hosts: int, *, state: PlanState = PlanState.STOPPED) -> UUID:
    """Store a task on so many hosts: of each ten two failed, one is lost, one was not there."""
    plan = draft(hosts=hosts, plan_id=uuid4(), label="fleet", args="{}")
    plan.plan.state, plan.plan.result = state, PlanResult.ERROR
    steps = []
    for step in plan.steps:
        number = int((step.host or "web0").removeprefix("web")) % 10
        if step.host is None:
            steps.append(step)
        elif number in (1, 2):
            error = ErrorRecord("HostError", f"failed (exit 100): Unable to locate package p{number}")
            steps.append(_ended(step, StepState.ERROR, Outcome.FAILED, "exit 100", error))
        elif number == 3:
            steps.append(_ended(step, StepState.ERROR, Outcome.LOST, "the agent has no record of it"))
        elif number == 4:
            steps.append(_ended(step, StepState.ERROR, Outcome.NOT_PICKED_UP, ""))
        else:
            steps.append(_ended(step, StepState.SUCCESS, Outcome.OK, ""))
    house.store.commit(Changes(new_plans=[replace(plan, steps=steps)]))
    return plan.plan.id


def _ended(step, state, outcome, reason, error=None):  # type: ignore[no-untyped-def]
    return replace(
        step, state=state, outcome=outcome, reason=reason, error=error, started_at=5.0, ended_at=7.5
    )


@pytest.fixture(scope="module")
def mixed(house: House) -> UUID:
    """A task on 120 hosts that has ended."""
    return fleet(house, 120)


def names(page: str) -> list[str]:
    return re.findall(r'<tr data-key="([^"]+)"', page)


def test_all_are_counted_and_who_did_not_answer_is_named(client: FlaskClient, mixed: UUID) -> None:
    """Pages, 3.3: expected, answered, offline and silent, always."""
    page = client.get(f"/tasks/{mixed}/hosts").text

    assert "120 expected · 96 answered · 12 offline · 12 silent" in page
    assert "Offline: web104, web114, web14, " in page
    assert "Silent: web103, web113, web13, " in page


def test_the_same_error_is_told_once_and_leads_to_its_hosts(client: FlaskClient, mixed: UUID) -> None:
    page = client.get(f"/tasks/{mixed}/hosts").text
    assert page.count("failed (exit 100): Unable to locate package p1") == 1
    assert "web1, web101, web11 and 9 more" in page

    like = client.get(f"/tasks/{mixed}/hosts?like=web11").text

    assert names(like) == sorted(f"web{number}" for number in range(1, 121) if number % 10 == 1)


def test_outcomes_are_filters_in_their_exact_words(client: FlaskClient, mixed: UUID) -> None:
    """W-032: an unknown effect never looks like a plain failure."""
    page = client.get(f"/tasks/{mixed}/hosts").text
    lost = client.get(f"/tasks/{mixed}/hosts?outcome=lost").text

    for words in ("Ok", "Failed", "Not picked up", "Lost, effect unknown"):
        assert re.search(rf"</svg> {words} <span", page), words
    assert len(names(lost)) == 12
    assert lost.count('class="step-words s-unknown"') == 12
    assert "Lost (the agent has no record of it)" in lost


def test_each_host_leads_to_its_step_and_to_what_it_said(client: FlaskClient, mixed: UUID) -> None:
    page = client.get(f"/tasks/{mixed}/hosts?like=web1").text

    assert f'href="/tasks/{mixed}/steps/2"' in page
    assert client.get(f"/tasks/{mixed}/hosts/web1").status_code == 200
    assert f'href="/tasks/{mixed}/hosts/web1"' in page


def test_pages_follow_each_other_by_name(client: FlaskClient, mixed: UUID) -> None:
    url, seen = f"/tasks/{mixed}/hosts?outcome=ok", []
    while url:
        page = client.get(url).text
        seen.append(names(page))
        found = re.search(r'href="([^"]+)">Next</a>', page)
        url = found[1].replace("&amp;", "&") if found else ""

    assert [len(each) for each in seen] == [50, 22]
    every = [name for each in seen for name in each]
    assert every == sorted(set(every))


def test_a_filter_that_finds_nothing_says_so_and_one_that_is_none_is_refused(
    client: FlaskClient, mixed: UUID
) -> None:
    """W-014"""
    nothing = client.get(f"/tasks/{mixed}/hosts?outcome=cancelled")
    unknown = client.get(f"/tasks/{mixed}/hosts?outcome=broken")
    stranger = client.get(f"/tasks/{mixed}/hosts?like=mail1")

    assert "No host stands so." in nothing.text
    assert "Clear the filter" in nothing.text
    assert (unknown.status_code, stranger.status_code) == (422, 422)
    assert client.get(f"/tasks/{uuid4()}/hosts").status_code == 404


# -- all at once -----------------------------------------------------------------------------------------


def test_more_than_fifty_hosts_are_drawn_at_once(client: FlaskClient, house: House, mixed: UUID) -> None:
    """W-031: with a summary in words."""
    page = client.get(f"/tasks/{mixed}/hosts").text
    few = client.get(f"/tasks/{fleet(house, 50)}/hosts").text

    assert 'viewBox="0 0 120 24"' in page
    assert 'aria-label="72 ok · 12 not picked up · 24 failed · 12 lost"' in page
    assert "All at once" not in few


def test_a_bar_is_as_high_as_it_is_bad_and_neighbours_are_one(client: FlaskClient) -> None:
    """W-004, W-031: what went wrong stands out without its colour."""
    cells = [
        HeatCell("web1", "web5", 5, "ok", Mark.SUCCESS),
        HeatCell("web6", "web9", 4, "ok", Mark.SUCCESS),
        HeatCell("zoo", "zoo", 1, "failed", Mark.ERROR),
    ]

    ok, failed = bars_of(cells)

    assert (ok.x, ok.width, ok.told) == (0, 2, "web1 to web9: ok")
    assert (failed.x, failed.width, failed.told) == (2, 1, "zoo: failed")
    assert failed.height > 2 * ok.height
    assert bars_of([]) == []


# -- what it costs ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(house: House) -> UUID:
    """A task on 2,000 hosts."""
    return fleet(house, 2000)


@pytest.mark.parametrize("query", ["", "?outcome=failed", "?like=web1", "?after=web2"])
def test_the_hosts_of_a_large_task_stay_cheap(client: FlaskClient, large: UUID, query: str) -> None:
    """W-042: at most 12 statements and 150 KiB, whatever the number of hosts."""
    with counted() as statements:
        answer = client.get(f"/tasks/{large}/hosts{query}")
    assert answer.status_code == 200
    assert 0 < len(statements) <= STATEMENTS_PER_PAGE, statements
    assert len(answer.data) <= PAGE_BYTES
    assert answer.text.count("<rect class=") <= 400
    assert len(names(answer.text)) == 50


@pytest.mark.parametrize("part", ["standing", "heat", "hosts"])
def test_a_part_of_them_stays_cheap(client: FlaskClient, large: UUID, part: str) -> None:
    """2.7: at most 6 statements and 40 KiB for a fragment."""
    with counted() as statements:
        answer = client.get(f"/tasks/{large}/hosts?part={part}")
    assert 0 < len(statements) <= STATEMENTS_PER_PART, statements
    assert len(answer.data) <= PART_BYTES


def test_the_picture_of_ten_thousand_hosts_is_a_few_stacks_that_add_up(
    client: FlaskClient, house: House
) -> None:
    """W-030: at most 200 nodes, and no host is in none of them."""
    task = fleet(house, 10_000)

    shown = re.findall(r'class="node[^>]*aria-label="([^"]*)"', client.get(f"/tasks/{task}?part=graph").text)

    assert 0 < len(shown) <= 200
    stacks = [re.findall(r"(\d+) (error|unknown|success)", label) for label in shown]
    counted = Counter({"error": sum(not stack for stack in stacks)})  # the one that stands alone failed
    for number, word in (each for stack in stacks for each in stack):
        counted["success" if word == "success" else "error"] += int(number)
    assert counted == {"success": 6000, "error": 4000}


# -- acts ------------------------------------------------------------------------------------------------


def test_a_task_is_run_again_where_it_failed(
    person: Person, house: House, ended: Callable[[UUID], PlanView]
) -> None:
    """Issue 4, 2: failed hosts only, as a new task."""
    plans = house.services.plans
    first = plans.submit("install", {"hosts": ["sim-00001", "nobody"], "package": "vim"}, user="anna").plan_id
    ended(first)
    assert "It can be run again when it has ended" in person.open(f"/tasks/{first}/rerun").text
    assert person.send(f"/tasks/{first}/rerun").status_code == 409
    plans.cancel(first, actor="anna")

    asked = person.open(f"/tasks/{first}/rerun").text
    answer = person.send(f"/tasks/{first}/rerun")

    assert "1 of 2 hosts: nobody." in asked
    assert answer.status_code == 303
    assert plans.show(UUID(answer.headers["Location"][-36:])).hosts == ("nobody",)


def test_many_of_them_have_to_be_counted(person: Person, mixed: UUID, tasks: Callable[[], int]) -> None:
    """2.6: above 20 hosts the number is typed."""
    before = tasks()
    asked = person.open(f"/tasks/{mixed}/rerun").text
    refused = person.send(f"/tasks/{mixed}/rerun", confirm="47")

    assert 'name="confirm"' in asked
    assert "48 of 120 hosts: web1, web101, web102, " in asked
    assert refused.status_code == 422
    assert "this goes to 48 hosts: type 48 to confirm" in refused.text
    assert tasks() == before


def test_a_rollout_can_be_paused_after_its_wave(
    person: Person, house: House, ended: Callable[[UUID], PlanView]
) -> None:
    rollout = {"batch": 1, "wait": 600}
    hosts = ["sim-00001", "sim-00002"]
    plan = house.services.plans.submit("ping", {"hosts": hosts, "rollout": rollout}, user="anna").plan_id
    page = person.open(f"/tasks/{plan}").text
    assert "Pause after this wave" in page

    assert person.send(f"/tasks/{plan}/pause-after-wave").status_code == 303
    page = person.open(f"/tasks/{plan}").text
    told = house.services.plans.show(plan)

    assert told.rollouts[0].pauses or told.state == "paused"
    assert "wave " in page
    assert "2 expected · " in page
    if told.will_pause:
        assert "Go on, do not pause" in page
        assert person.send(f"/tasks/{plan}/resume").status_code == 303
        page = person.open(f"/tasks/{plan}").text
        assert "It goes on and does not pause." in page
        assert "Go on, do not pause" not in page
    house.services.plans.cancel(plan, actor="anna")


def test_a_task_of_one_host_has_no_word_of_rollouts(person: Person, house: House) -> None:
    plan = house.services.plans.submit("ping", {"hosts": ["sim-00001"]}, user="anna").plan_id

    assert "expected ·" not in person.open(f"/tasks/{plan}").text
