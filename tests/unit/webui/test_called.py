"""Tasks that call other tasks, as people see them."""

import re
from html import unescape

from flask.testing import FlaskClient

from tests.servers.house import House
from tests.unit.webui.called import GreetAll
from tests.waiting import until
from webui.pages.task_events import PARTS


def test_a_task_shows_how_many_it_called_and_links_to_them(client: FlaskClient, house: House) -> None:
    """Counts by state, a list of them alone, and the way back."""
    plans = house.services.plans
    who = [f"guest {number}" for number in range(60)] + ["nobody"]
    parent = plans.submit(GreetAll.name, {"who": who}, user="ann").plan_id
    until(lambda: plans.show(parent).at_rest, "all were greeted", within=20.0)

    page = unescape(client.get(f"/tasks/{parent}").text)
    assert "60 of 61 sub-plans succeeded: 1 error" in page
    assert f'href="/tasks?of={parent}">All <span class="number">61</span>' in page
    assert f'href="/tasks?of={parent}&state=succeeded">Succeeded <span class="number">60</span>' in page

    listed = unescape(client.get(f"/tasks?of={parent}").text)
    assert f'Sub-plans of <a href="/tasks/{parent}">' in listed
    assert listed.count('data-key="') >= 50
    assert f"of={parent}" in listed.split('rel="next"')[1].split(">")[0]
    paused = client.get(f"/tasks?of={parent}&state=paused").text
    (child,) = plans.list("paused", of=parent).items
    assert str(child.id) in paused
    assert f'Called by</dt><dd><a href="/tasks/{parent}">' in client.get(f"/tasks/{child.id}").text


def test_a_parent_with_paused_sub_plans_leads_to_them(client: FlaskClient, house: House) -> None:
    """Resuming it alone would not help; the hint goes with its cause."""
    plans = house.services.plans
    parent = plans.submit(GreetAll.name, {"who": ["ann", "nobody"]}, user="ann").plan_id
    until(lambda: plans.show(parent).at_rest, "all were greeted")

    page = unescape(client.get(f"/tasks/{parent}").text)
    assert "1 of them is paused." in page
    assert f'<a href="/tasks?of={parent}&state=paused">Resume, skip or cancel it</a> first' in page

    (child,) = plans.list("paused", of=parent).items
    plans.cancel(child.id, actor="ann")
    assert "Resume, skip or cancel" not in client.get(f"/tasks/{parent}").text


def test_the_last_runs_are_those_that_people_started(client: FlaskClient, house: House) -> None:
    """Pages, 3.1: sub-plans would push them away."""
    plans = house.services.plans
    who = [f"guest {number}" for number in range(20)]
    parent = plans.submit(GreetAll.name, {"who": who}, user="ann").plan_id
    until(lambda: plans.show(parent).at_rest, "all were greeted", within=20.0)

    recent = client.get("/?part=recent").text

    assert f"/tasks/{parent}" in recent
    assert not any(f"/tasks/{child.id}" in recent for child in plans.list(of=parent).items)


def test_a_task_that_called_none_says_nothing_of_it(client: FlaskClient, house: House) -> None:
    parent = house.services.plans.submit(GreetAll.name, {"who": []}, user="ann").plan_id
    until(lambda: house.services.plans.show(parent).at_rest, "nobody was greeted")

    assert "Sub-plans" not in client.get(f"/tasks/{parent}").text
    assert "Nothing matches" in client.get(f"/tasks?of={parent}").text


def test_the_stream_rings_for_every_part_of_a_task_s_page(client: FlaskClient, house: House) -> None:
    """A part that it leaves out stands still on a page that is open."""
    parent = house.services.plans.submit(GreetAll.name, {"who": ["ann"]}, user="ann").plan_id
    until(lambda: house.services.plans.show(parent).at_rest, "she was greeted")

    shown = set(re.findall(r'data-part="(\w+)"', client.get(f"/tasks/{parent}").text))

    assert "called" in shown
    assert shown - {"notices"} <= set(PARTS)
    assert 'data-part="called"' in client.get(f"/tasks/{parent}?part=called").text
