"""The inputs of the shipped actions: bad input is refused, by field and in words."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mcoflow.action.base import Action
from mcoflow.actions import Install, InstallAndRestart, Ping, Restart, Uninstall, Update
from mcoflow.actions.models import InstallOnHosts, PackagesAndServices, ServiceOnHosts
from mcoflow.domain.records import PlanDraft
from mcoflow.domain.states import PlanState
from mcoflow.engine.planner import make_plan

BAD_NAMES = ["", "a b", "-rf", "x" * 300, "a\0b", "paket-ü", "a;b", "$(id)", "../x", "a\n", " nginx"]


def planned(action: type[Action], **fields: Any) -> PlanDraft:
    return make_plan(action, fields, plan_id=uuid4(), user="ann", now=0.0)


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_package_name_is_refused(name: str) -> None:
    """Bad input: of the issue."""
    with pytest.raises(ValidationError, match="package"):
        InstallOnHosts(hosts=["web1"], package=name)
    with pytest.raises(ValidationError, match=r"packages\.0"):
        PackagesAndServices(hosts=["web1"], packages=[name])


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_bad_service_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="service"):
        ServiceOnHosts(hosts=["web1"], service=name)


@pytest.mark.parametrize("host", ["", "a b", "-rf", "x" * 300, "a\0b", "wüb", "a..b", "*"])
def test_a_bad_host_is_refused(host: str) -> None:
    with pytest.raises(ValidationError, match=r"hosts\.0"):
        InstallOnHosts(hosts=[host], package="nginx")


@given(st.text(max_size=40))
def test_no_text_gets_through_that_is_not_of_the_pattern(text: str) -> None:
    """B-055: hostile names."""
    try:
        kept = InstallOnHosts(hosts=["web1"], package=text).package
    except ValidationError:
        return
    assert kept == text
    assert kept.isascii()
    assert kept[0].isalnum()
    assert not set(kept) & set(" ;|&$`'\"\\<>(){}*?!#~\n\t\0/=,")


def test_hosts_are_named_once_each_and_at_least_one() -> None:
    assert InstallOnHosts(hosts=["web1", "WEB1", "web2"], package="x").hosts == ["web1", "web2"]
    with pytest.raises(ValidationError, match="hosts"):
        InstallOnHosts(hosts=[], package="x")


def test_unknown_fields_and_other_types_are_refused() -> None:
    with pytest.raises(ValidationError, match="colour"):
        InstallOnHosts(hosts=["web1"], package="x", colour="red")  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="check"):
        InstallOnHosts(hosts=["web1"], package="x", check="yes")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("action", "fields", "label"),
    [
        (Install, {"package": "nginx"}, "Install nginx on web1"),
        (Uninstall, {"package": "nginx"}, "Uninstall nginx on web1"),
        (Update, {"package": "nginx"}, "Update nginx on web1"),
        (Restart, {"service": "web"}, "Restart web on web1"),
        (Ping, {}, "Ping on web1"),
        (
            InstallAndRestart,
            {"packages": ["a", "b"], "services": ["c"]},
            "Install a, b and restart c on web1",
        ),
        (InstallAndRestart, {"services": ["c"]}, "Restart c on web1"),
    ],
)
def test_a_plan_says_what_it_does(action: type[Action], fields: dict[str, Any], label: str) -> None:
    draft = planned(action, hosts=["web1"], **fields)

    assert (draft.plan.state, draft.plan.label) == (PlanState.PLANNED, label)
    assert draft.plan.hosts == ("web1",)


def test_many_hosts_are_counted_and_get_a_step_each() -> None:
    draft = planned(Install, hosts=[f"web{n}" for n in range(12)], package="nginx")

    assert draft.plan.label == "Install nginx on 12 hosts"
    assert sum(step.host is not None for step in draft.steps) == 12
    assert not any(draft.graph.needs.values())


def said(**fields: Any) -> dict[str, Any]:
    return InstallOnHosts(package="x", **fields).model_dump(mode="json")


def test_a_target_says_where_in_place_of_hosts_and_what_was_not_said_is_left_out() -> None:
    common = {"check": False, "package": "x", "version": None}
    assert said(target="web*", limit="10%", seed=0) == {"target": "web*", "limit": "10%", "seed": 0, **common}
    assert said(target="web*", one=True) == {"target": "web*", "one": True, **common}
    assert said(hosts=["web1"]) == {"hosts": ["web1"], **common}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "hosts or a target say where"),
        ({"hosts": ["web1"], "target": "web*"}, "one of the two"),
        ({"target": "web1 and"}, r"(?s)target.*a target cannot go on.*\^"),
        ({"target": "/(a+)+/"}, "may take for ever"),
        ({"target": "a" * 2**20}, "1048576 characters is too long"),
        ({"target": "web*", "limit": "half"}, "is no number of hosts"),
        ({"target": "web*", "limit": 0}, "would run nothing"),
        ({"target": "web*", "limit": "200%"}, "is no number of hosts"),
        ({"target": "web*", "limit": 2, "one": True}, "not both"),
        ({"target": "web*", "seed": 2}, "say how many"),
        ({"hosts": ["web1"], "limit": 2}, "choose among the hosts of a target"),
    ],
)
def test_a_target_that_is_none_is_refused_in_words(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        said(**fields)
