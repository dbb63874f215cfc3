"""Hosts that are cut off, or frozen: late, then offline; what they did not pick up is never run."""

import json
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from mcoflow.clock import SystemClock
from mcoflow.domain.presence import LATE_WITHIN, ONLINE_WITHIN
from mcoflow.services.hosts import Hosts
from mcoflow.storage import open_store
from tests.fleet.site import PICKUP, Site, by_host, words_of
from tests.waiting import until

_SLACK = timedelta(seconds=12)
"""What the tests wait themselves; the rest of each period is put on the clock of who looks."""
TOUCH = '#!/bin/sh\ntouch "$0.done"\n'


class Ahead(SystemClock):
    """This machine's clock, some time from now."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


def presences(site: Site, period: float) -> dict[str, str]:
    """Whether each host is there, for one who looks when `period` is nearly over for hosts heard of now."""
    clock = Ahead(timedelta(seconds=period) - _SLACK)
    with closing(open_store(f"sqlite:///{site.folder}/server/mcoflow.db", clock)) as store:
        return {host.name: host.presence.value for host in Hosts(store, clock).list().items}


def goes_away(site: Site, gone: str) -> None:
    """See that one host is late after its time, and offline after more, and that the others are not."""
    others = {"db1", "web1", "web2"} - {gone}
    for period, before, after in (
        (ONLINE_WITHIN, "online", "late"),
        (LATE_WITHIN, "late", "offline"),
    ):
        until(lambda p=period, a=after: presences(site, p)[gone] == a, f"{gone} is {after}", within=60)
        assert {presences(site, period)[each] for each in others} == {before}


def answers(site: Site, host: str) -> bool:
    return site.told.mcoflow("ping", host, "--window", "5").returncode == 0


@contextmanager
def cut_off(site: Site, host: str) -> Iterator[None]:
    site.network.cut(host)
    try:
        yield
    finally:
        site.network.mend(host)


def test_a_host_that_is_cut_off_picks_nothing_up_and_runs_nothing_when_it_returns(site: Site) -> None:
    """B-019, B-059, R-025, I-3: the cancel lies behind the request; the run names the host, never green."""
    touch = {host: site.command(host, "touch", TOUCH) for host in ("web1", "web2")}
    with cut_off(site, "web2"):
        tasks = {host: site.begin(*touch[host].words, "--host", host) for host in touch}
        both = site.begin("ping", "--target", "role=web")
        asked = site.told.mcoflow("ping", "--target", "role=web", "--output", "json")
        standings = {each["name"]: each["standing"] for each in json.loads(asked.stdout)["hosts"]}
        assert asked.returncode == 1
        assert standings.pop("web2") in ("silent", "offline")  # the broker finds out in a few seconds
        assert standings == {"web1": "answered"}

        missed = site.at_rest(tasks["web2"], within=PICKUP + 60)
        assert (missed["state"], missed["result"]) == ("paused", "error")
        step = by_host(missed)["web2"]
        assert (step["words"], step["unknown_effect"]) == ("not picked up", False)
        assert "web2" in missed["explanation"]
        assert site.at_rest(tasks["web1"])["result"] == "success"
        assert touch["web1"].done

        pinged = site.at_rest(both)
        assert pinged["result"] != "success"
        assert {host: step["words"] for host, step in by_host(pinged).items()} == {
            "web1": "success",
            "web2": "not picked up",
        }
        told = site.told.mcoflow("task", "show", both)
        assert "web2" in words_of(told)
        assert "not picked up" in words_of(told)
        goes_away(site, "web2")

    until(lambda: site.told.mcoflow("ping", "web2", "--window", "5").returncode == 0, "it is back", within=90)
    seen = by_host(site.run("host.requests", "--host", "web2"))["web2"]
    assert seen["words"] == "success"
    assert not touch["web2"].done, "what was not picked up was run"
    assert by_host(site.task(tasks["web2"]))["web2"]["words"] == "not picked up"


def test_what_a_host_was_at_when_it_was_cut_off_ends_as_it_did(site: Site) -> None:
    """B-033: what runs runs on; its result waits until there is a way again. Nothing is run twice."""
    work = site.command("web1", "away")
    task = site.begin(*work.words, "--host", "web1")
    work.pids()
    with cut_off(site, "web1"):
        work.go()
        until(lambda: work.done, "it ended, and nobody could be told", within=30)
        assert site.task(task)["state"] == "running"

    done = site.at_rest(task)
    assert by_host(done)["web1"]["words"] == "success"
    assert work.begun == 1


def test_a_frozen_agent_is_late_and_then_offline(site: Site) -> None:
    """B-049: the broker drops it, its host is named, and it is back when it thaws."""
    site.agents["db1"].started.send_signal(signal.SIGSTOP)
    try:
        goes_away(site, "db1")
    finally:
        site.agents["db1"].started.send_signal(signal.SIGCONT)

    until(lambda: answers(site, "db1"), "it is back", within=90)


@pytest.mark.usefixtures("site")
def test_the_periods_are_those_that_are_promised() -> None:
    """B-049."""
    assert (ONLINE_WITHIN, LATE_WITHIN) == (150, 600)
