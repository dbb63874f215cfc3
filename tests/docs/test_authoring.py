"""The how-to pages for authors of actions are tried as they stand."""

import json
import sqlite3
from pathlib import Path

import pytest

from mcoflow.domain.states import PlanResult
from mcoflow.errors import InputInvalidError
from tests.docs.pages import run
from tests.unit.engine.house import House
from tests.waiting import until


def outputs(house: House, plan_id: object) -> list[dict[str, object]]:
    actions = house.store.whole(plan_id).actions  # type: ignore[arg-type]
    return [json.loads(action["output"]) for action in actions]


def test_the_plan_of_the_page_is_composed(house: House) -> None:
    release = run("compose-a-plan")["Release"]

    plan = house.run(release, hosts=["web1", "web2", "web3"], package="nginx")

    assert (plan.result, plan.label) == (PlanResult.SUCCESS, "Release nginx on 3 hosts")
    assert {"said": "web2 has 1.4"} in outputs(house, plan.id)
    assert {step.queue for step in house.steps(plan.id).values()} == {"slow"}
    with pytest.raises(
        InputInvalidError, match="missing a required argument: 'package'; it takes hosts: list"
    ):
        house.trigger(release, hosts=["web1"])


def test_the_plug_in_of_the_page_joins(house: House) -> None:
    publish = run("join-other-plans")["Publish"]

    plan = house.run(publish, package="nginx")

    assert plan.result is PlanResult.SUCCESS
    assert {"said": "nginx is at https://pkg.example/nginx"} in outputs(house, plan.id)


def test_the_backup_of_the_page_is_started_once_a_night(house: House) -> None:
    start = run("name-a-plan")["start"]

    assert start(house.world, 14).startswith("started ")
    assert start(house.world, 14).startswith("not again: ")
    assert start(house.world, 15).startswith("started ")


def test_the_middleware_of_the_page_keeps_the_tenant(house: House) -> None:
    page = run("wrap-actions-in-middleware")
    with page["tenant"]("acme"):
        plan = house.run(page["Bill"])

    assert plan.result is PlanResult.SUCCESS
    assert outputs(house, plan.id) == [{"to": "acme"}]


def test_the_hooks_of_the_page_are_called(house: House) -> None:
    page = run("hook-into-states")
    house.run(page["Deploy"])
    house.run(page["QuietDeploy"])

    until(lambda: house.count("hooks") == 0, "all hooks were called")
    assert page["said"] == ["Deploy: success, 1.4"]


def test_the_actions_of_the_page_say_what_came_of_them(house: House) -> None:
    everywhere = run("say-what-came-of-it")["LoginEverywhere"]
    shown = house.world.presented(house.run(everywhere, hosts=["web1", "web2"], password="secret").id)

    assert shown.output(1) == "logged in on 2 hosts"
    assert shown.action(2).input == {"host": "web1", "password": "***"}


def test_the_orders_of_the_page_are_kept_in_step(empty_house: House, tmp_path: Path) -> None:
    page = run("keep-your-database-in-step")
    orders = page["orders"]
    orders.path = tmp_path / "orders.db"
    with sqlite3.connect(orders.path) as connection:
        connection.execute("CREATE TABLE orders (id TEXT, state TEXT)")
    connection.close()
    empty_house.another(transaction=orders)

    plan = empty_house.run(page["Ship"], order="7")

    assert plan.result is PlanResult.SUCCESS
    connection = sqlite3.connect(orders.path)
    assert connection.execute("SELECT * FROM orders").fetchall() == [("7", "planned"), ("7", "shipped")]
    connection.close()
