"""What a page costs does not grow with hosts and steps."""

from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from mcoflow.domain.states import PlanState
from mcoflow.ports.store import Changes
from mcoflow.testing.contracts.samples import draft
from tests.servers.house import House
from tests.statements import counted

STATEMENTS_PER_PAGE = 12
STATEMENTS_PER_PART = 6
PAGE_BYTES = 150 * 1024
PART_BYTES = 40 * 1024


@pytest.fixture(scope="module")
def large(house: House) -> UUID:
    """A task of 1,000 run steps on as many hosts."""
    plan = draft(hosts=1000, plan_id=uuid4(), label="large", args="{}")
    plan.plan.state = PlanState.STOPPED
    house.store.commit(Changes(new_plans=[plan]))
    return plan.plan.id


@pytest.mark.parametrize("path", ["", "/steps/500"])
def test_a_page_of_a_large_task_stays_cheap(client: FlaskClient, large: UUID, path: str) -> None:
    """W-042, 2.7: at most 12 statements and 150 KiB for a task of 1,000 steps."""
    with counted() as statements:
        answer = client.get(f"/tasks/{large}{path}")
    assert answer.status_code == 200
    assert 0 < len(statements) <= STATEMENTS_PER_PAGE, statements
    assert len(answer.data) <= PAGE_BYTES


@pytest.mark.parametrize("part", ["head", "graph", "steps", "history", "evidence", "notices"])
def test_a_part_of_a_large_task_stays_cheap(client: FlaskClient, large: UUID, part: str) -> None:
    """2.7: at most 6 statements and 40 KiB for a fragment."""
    with counted() as statements:
        answer = client.get(f"/tasks/{large}?part={part}")
    assert 0 < len(statements) <= STATEMENTS_PER_PART, statements
    assert len(answer.data) <= PART_BYTES


@pytest.mark.parametrize("url", ["/", "/tasks", "/tasks?state=paused&q=large", "/hosts", "/hosts/sim-00001"])
def test_other_pages_stay_cheap(client: FlaskClient, large: UUID, tasks: Callable[[], int], url: str) -> None:
    assert tasks() > 0
    with counted() as statements:
        answer = client.get(url)
    assert answer.status_code == 200
    assert 0 < len(statements) <= STATEMENTS_PER_PAGE, statements
    assert len(answer.data) <= PAGE_BYTES


def test_the_stack_of_a_large_task_lists_its_steps(client: FlaskClient, large: UUID) -> None:
    page = client.get(f"/tasks/{large}?stack=4").text
    assert "The steps of one stack." in page
    assert page.count('class="step-title"') == 50
