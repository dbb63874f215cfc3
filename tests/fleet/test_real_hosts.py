"""Three real hosts: who is there, whom a target means, a restart in waves, an end by force."""

import json
import os
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from tests.fleet.site import HOSTS, SERVICE, Site, alive, by_host, words_of
from tests.stories.test_real_operations import PACKAGE, version_of
from tests.waiting import until

_ROLLING = ("--target", "all", "--canary", "1", "--batch", "1", "--wave-wait", "1", "--budget", "0")


def found(site: Site, target: str) -> list[str]:
    done = site.told.mcoflow("find", target, "--output", "json")
    assert done.returncode in (0, 3), done.stderr
    return [host["name"] for host in json.loads(done.stdout)["hosts"]]


# -- who is there ------------------------------------------------------------------------------------------


def test_exactly_the_hosts_that_are_there_are_known_and_answer(site: Site) -> None:
    """B-012, B-059: three agents with identities of their own, each admitted as it came."""
    assert list(site.hosts()) == list(HOSTS)
    assert {host["presence"] for host in site.hosts().values()} == {"online"}

    pinged = site.told.mcoflow("ping", "--output", "json", "--window", "20")

    assert pinged.returncode == 0, pinged.stderr
    told = json.loads(pinged.stdout)
    assert (told["expected"], told["answered"], told["offline"], told["silent"]) == (
        len(HOSTS),
        len(HOSTS),
        0,
        0,
    )
    assert {each["name"] for each in told["hosts"]} == set(HOSTS)


def test_a_target_means_hosts_by_name_and_by_what_lies_in_their_facts_d(site: Site) -> None:
    """B-057: for real; facts that change are known without a restart."""
    assert found(site, "role=web") == ["web1", "web2"]
    assert found(site, "web*") == ["web1", "web2"]
    assert found(site, "web2") == ["web2"]
    assert found(site, "role=web and not web1") == ["web2"]
    assert found(site, "role=mail") == []

    (site.home("web2") / "facts.d" / "mail.json").write_text('{"serves": ["mail"]}')
    until(lambda: found(site, "serves=mail") == ["web2"], "the new fact is known", within=30)

    done = site.run("ping", "--target", "role=web and not serves=mail")
    assert list(by_host(done)) == ["web1"]


def test_a_target_that_means_nobody_makes_no_task(site: Site) -> None:
    done = site.told.mcoflow("run", "ping", "--target", "role=mail", "--wait")

    assert done.returncode != 0
    assert "role=mail" in words_of(done)


# -- real work ---------------------------------------------------------------------------------------------


@pytest.mark.root
@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("apt-get") is None, reason="installs a package: needs root, apt"
)
@pytest.mark.usefixtures("without_hello")
def test_a_package_is_installed_on_one_of_them_and_all_can_tell(site: Site) -> None:
    """B-052: hosts that share one disk; only one of them may change it."""
    fetch = ["apt-get", "-qq", "--yes", "--download-only", "--no-install-recommends", "install", PACKAGE]
    subprocess.run(fetch, check=True, capture_output=True)  # the hosts have no way to the internet

    done = site.run("install", PACKAGE, "--target", "role=web", "--one")

    assert list(by_host(done)) == ["web1"]
    assert version_of(PACKAGE)
    told = site.run("package.status", "--target", "all", "--set", f"package={PACKAGE}")
    assert {host: step["words"] for host, step in by_host(told).items()} == dict.fromkeys(HOSTS, "success")


@pytest.mark.root
def test_a_service_is_restarted_on_one_host_after_the_other(site: Site, service: Path) -> None:
    """B-060: the canary, then waves of one, a second apart; each host's service is another process then."""

    def starts() -> list[str]:
        return service.read_text().splitlines()

    site.run("restart", SERVICE, *_ROLLING)
    first = starts()

    done = by_host(site.run("restart", SERVICE, *_ROLLING))

    assert len(first) == 3
    assert len(starts()) == 6
    assert set(first).isdisjoint(starts()[3:])
    assert [line.split()[0] for line in first] == [line.split()[0] for line in starts()[3:]]
    assert [step["words"] for step in done.values()] == ["success"] * 3
    turns = [(done[host]["started_at"], done[host]["ended_at"]) for host in HOSTS]
    assert all(ended < begun for (_, ended), (begun, _) in pairwise(turns)), turns


def test_a_rollout_stops_at_the_first_host_that_fails_and_says_so(site: Site) -> None:
    """B-060: the canary has no such service, so that the others keep theirs."""
    done = site.run("restart", "no-such-service", *_ROLLING, code=1)

    assert (done["state"], done["result"]) == ("paused", "error")
    assert {host: step["words"] for host, step in by_host(done).items()}["db1"].startswith("failed (")
    assert {step["state"] for host, step in by_host(done).items() if host != "db1"} == {"pending"}
    assert "2 hosts have not begun" in done["explanation"]


def test_a_cancel_ends_what_runs_with_all_its_children(site: Site) -> None:
    """B-043, I-12: executing: the process group is gone, grandchildren too."""
    work = site.command("web1", "endless")
    task = site.begin(*work.words, "--host", "web1")
    pids = work.pids()
    assert alive(pids) == pids

    cancelled = site.told.mcoflow("task", "cancel", task)

    assert cancelled.returncode == 0, cancelled.stderr
    done = site.at_rest(task)
    assert by_host(done)["web1"]["words"] == "cancelled, killed"
    assert alive(pids) == []
    assert not work.done


# -- agents that come back ---------------------------------------------------------------------------------


def test_an_agent_that_is_killed_amid_work_takes_it_up_again(site: Site) -> None:
    """B-035, B-036: the worker lives on; nothing is begun a second time."""
    work = site.command("web2", "patient")
    task = site.begin(*work.words, "--host", "web2")
    pids = work.pids()
    site.agents["web2"].kill()

    site.start_agent("web2")
    work.go()

    done = site.at_rest(task)
    assert by_host(done)["web2"]["words"] == "success", done
    assert work.done
    assert work.begun == 1
    assert alive(pids) == []


def test_an_agent_that_is_told_to_end_amid_work_says_so_before_it_goes(site: Site) -> None:
    """B-048, B-049: what may be interrupted is, after the drain; the host is down at once, and back later."""
    work = site.command("web2", "interrupted")
    task = site.begin(*work.words, "--host", "web2")
    pids = work.pids()

    site.agents["web2"].end()

    until(lambda: site.hosts()["web2"]["presence"] == "offline", "the host is down", within=5)
    done = site.at_rest(task)
    assert by_host(done)["web2"]["words"] == "interrupted"
    assert alive(pids) == []
    asked = ("ping", "--target", "role=web", "--offline")
    for task, result in ((site.run(*asked, "skip"), "warning"), (site.run(*asked, "fail", code=1), "error")):
        left = by_host(task)["web2"]
        assert task["result"] == result
        assert by_host(task)["web1"]["words"] == "success"
        assert "offline" in f"{left['warnings']} {left['error']}"
    site.start_agent("web2")
    until(lambda: site.hosts()["web2"]["presence"] == "online", "the host is back", within=30)
