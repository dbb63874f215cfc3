"""What a person sees of mcoflow, told once for all deployments. Subclass it and give it `deployed`."""

import json
import os
import shutil
from http import HTTPStatus
from typing import Any

import pytest

from tests.stories.processes import Deployed
from tests.stories.test_real_operations import PACKAGE, pid, version_of

NO_SUCH = "mcoflow-no-such-package"


def root(test: Any) -> Any:
    """Mark a test that changes packages or services of this machine."""
    needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes packages and services: needs root")
    needs_apt = pytest.mark.skipif(shutil.which("apt-get") is None, reason="needs Debian's apt")
    return pytest.mark.root(needs_root(needs_apt(test)))


class DeploymentStory:
    """Form, command line and pages of one deployment, with a real agent for this machine."""

    # -- packages and services, really -----------------------------------------------------------------------

    @root
    @pytest.mark.usefixtures("without_hello")
    def test_a_package_is_installed_and_removed_through_the_form(self, deployed: Deployed) -> None:
        task = deployed.make(hostname=deployed.host, param=PACKAGE, action="install")
        ended = deployed.ended(task)

        assert (ended["state"], ended["result"]) == ("stopped", "success"), ended
        assert version_of(PACKAGE)
        assert {"before": None, "after": version_of(PACKAGE)}.items() <= ended["actions"][1]["output"].items()
        page = deployed.get(f"/tasks/{task}")
        assert "success" in page
        assert f"Install {PACKAGE} on {deployed.host}" in page

        removed = deployed.ended(deployed.make(hostname=deployed.host, param=PACKAGE, action="uninstall"))

        assert removed["result"] == "success"
        assert version_of(PACKAGE) is None

    @root
    @pytest.mark.usefixtures("without_hello")
    def test_a_package_is_installed_from_the_command_line(self, deployed: Deployed) -> None:
        done = deployed.mcoflow("run", "install", "--host", deployed.host, PACKAGE, "--wait")

        assert done.returncode == 0, done.stderr
        assert f"Install {PACKAGE} on {deployed.host}: success" in done.stdout
        assert f"absent → {version_of(PACKAGE)}" in done.stdout

    @root
    def test_a_service_is_restarted(self, deployed: Deployed, service: str) -> None:
        started = deployed.mcoflow("run", "restart", service, "--host", deployed.host, "--wait")
        assert started.returncode == 0, started.stderr
        first = pid()

        again = deployed.ended(deployed.make(hostname=deployed.host, param=service, action="restart"))

        assert again["result"] == "success"
        assert pid() != first

    @root
    @pytest.mark.usefixtures("without_hello")
    def test_one_bad_package_among_good_ones_is_a_warning_and_the_restart_is_done(
        self, deployed: Deployed, service: str
    ) -> None:
        param = f"{PACKAGE},{NO_SUCH};{service}"
        task = deployed.make(hostname=deployed.host, param=param, action="install_and_restart")
        ended = deployed.ended(task)

        assert (ended["state"], ended["result"]) == ("stopped", "warning"), ended
        assert version_of(PACKAGE)
        assert pid()
        told = deployed.mcoflow("task", "show", task, "--follow")
        assert told.returncode == 0
        assert NO_SUCH in told.stderr

    @root
    def test_when_all_packages_are_bad_nothing_is_restarted(self, deployed: Deployed, service: str) -> None:
        assert deployed.mcoflow("run", "restart", service, "-H", deployed.host, "--wait").returncode == 0
        before = pid()

        param = f"{NO_SUCH},{NO_SUCH}-either;{service}"
        done = deployed.mcoflow("run", "install-and-restart", param, "--host", deployed.host, "--wait")

        assert done.returncode == 1
        assert NO_SUCH in done.stderr
        assert pid() == before

    # -- hosts -----------------------------------------------------------------------------------------------

    def test_an_unknown_host_is_an_error_within_a_second(self, deployed: Deployed) -> None:
        """B-013: the broker says that there is no such queue."""
        ended = deployed.ended(deployed.make(hostname="web9", param="nginx", action="install"))

        assert (ended["state"], ended["result"]) == ("paused", "error")
        shown = deployed.mcoflow("task", "show", ended["id"], "--output", "json")
        step = json.loads(shown.stdout)["steps"][0]
        assert step["words"] == "no such host"
        assert step["error"] == "no agent for web9: no queue is bound"
        assert step["duration"] < 1.0

    def test_every_host_answers_a_ping(self, deployed: Deployed) -> None:
        done = deployed.mcoflow("ping", deployed.host, "--output", "json", "--window", "20")

        assert done.returncode == 0, done.stderr
        hosts = json.loads(done.stdout)["hosts"]
        assert [(each["name"], each["standing"]) for each in hosts] == [(deployed.host, "answered")]

    def test_the_doctor_finds_a_working_deployment(self, deployed: Deployed) -> None:
        done = deployed.mcoflow("doctor", "--output", "json")

        found = {finding["what"]: finding for finding in json.loads(done.stdout)}
        for what in ("settings", "database", "executors", "agent", "broker", "port"):
            assert found[what]["good"], found[what]

    # -- bad input -------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("hostname", "", "name a host"),
            ("hostname", "-web1", "no host name"),
            ("hostname", "web 1!", "no host name"),
            ("hostname", "wéb", "no host name"),
            ("action", "no_such_action", "no action is called"),
            ("action", "", "press one of the four buttons"),
            ("param", "", "name one package"),
            ("param", ";;", "this action takes one package"),
            ("param", "a b", "no name of a package"),
            ("param", "-rf", "no name of a package"),
            ("param", "n" * 300, "no name of a package"),
            ("param", "ngi\0nx", "no name of a package"),
            ("param", "ngínx", "no name of a package"),
            ("param", "nginx; rm -rf /", "this action takes one package"),
        ],
    )
    def test_what_is_wrong_in_the_form_is_said_at_its_field_and_nothing_is_made(
        self, deployed: Deployed, field: str, value: str, said: str
    ) -> None:
        before = deployed.count()
        fields = {"hostname": deployed.host, "param": "nginx", "action": "install", field: value}

        status, _, page = deployed.send_form(**fields)

        assert status == HTTPStatus.UNPROCESSABLE_ENTITY
        assert said in page
        assert deployed.count() == before

    @pytest.mark.parametrize(
        "body", ['{"action_name": ', "[]", '{"action_name": "install"}', "\x00", '{"a": NaN}']
    )
    def test_broken_json_is_refused(self, deployed: Deployed, body: str) -> None:
        before = deployed.count()

        status, answer = deployed.post_json("/dynflow/tasks", body)

        assert status in (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY)
        assert json.loads(answer)["error"]
        assert deployed.count() == before
