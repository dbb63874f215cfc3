"""Operations that are hard to bear, over processes of their own: not to be interrupted, never silent."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from statistics import median

import pika
import pytest

from connectors.amqp import AmqpExecutorConnector
from mcoflow.ports.bus import Delivery, LinkReport, Replies, Verdict
from mcoflow.wire.envelope import decode
from mcoflow.wire.kinds import Kind
from tests.fleet.site import alive
from tests.servers.rabbitmq import RabbitMQ, ended_with_us
from tests.stories.processes import MCOFLOW
from tests.stories.rough import RoughSite, rough_site, waiting
from tests.waiting import until

GIB, MIB = 1024**3, 1024**2
LINES = 8
RUBBISH = 10_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, rabbitmq: RabbitMQ) -> Iterator[RoughSite]:
    rabbitmq.start()
    with rough_site(tmp_path_factory.mktemp("rough"), rabbitmq) as made:
        yield made


def test_what_must_not_be_interrupted_runs_on_after_a_cancel_and_is_killed_by_force(
    site: RoughSite,
) -> None:
    """B-044: by a person, who has to say that it is really meant."""
    mark = site.folder / "steady"
    task = site.begin("steady", path=str(mark))
    worker = int(until(lambda: mark.exists() and mark.read_text(), "it runs", within=30))

    assert site.told.mcoflow("task", "cancel", task).returncode == 0
    refused = site.told.mcoflow("task", "cancel", task, "--force")

    assert refused.returncode != 0
    assert "a package tool half-way" in refused.stderr
    assert "--yes" in refused.stderr
    assert alive([worker]) == [worker]
    assert site.task(task)["state"] == "running"

    forced = site.told.mcoflow("task", "cancel", task, "--force", "--yes", "--output", "json")

    assert forced.returncode == 0, forced.stderr
    assert json.loads(forced.stdout)["step_ids"]
    assert site.step(task)["words"] == "cancelled, killed"
    assert alive([worker]) == []


# -- what they print -----------------------------------------------------------------------------------------


def test_what_is_printed_is_read_within_two_seconds_while_it_runs(site: RoughSite) -> None:
    """B-046: agent, broker, executor, database, `mcoflow task output --follow`: all of the way, as a rule.

    As a rule: a single line may come upon a machine that has other things to do.
    """
    task = site.begin("clocked", count=LINES)
    words = ["task", "output", task, "--host", "web1", "--follow"]
    follow = [MCOFLOW, *words, "--config", str(site.told.settings)]
    took = []
    with subprocess.Popen(ended_with_us(*follow), stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        for line in following.stdout:
            took.append(time.time() - float(line))

    assert len(took) == LINES
    assert median(took[1:]) < 2  # the command has to start before it reads the first ones
    assert site.step(task)["words"] == "success"


def test_bytes_that_are_no_text_arrive_as_text_and_are_harmless(site: RoughSite) -> None:
    """B-046, W-037: control characters as symbols, escape kept, what is not UTF-8 replaced."""
    task = site.begin("garbage")
    site.step(task)

    items = printed(site, task)["items"]

    text = {stream: "".join(each["text"] for each in items if each["stream"] == stream) for stream in STREAMS}
    assert text["stdout"].startswith("\u2400\u2401")
    assert "\x1b" in text["stdout"]
    assert set(text["stderr"]) == {"\ufffd"}


def test_a_gib_of_output_takes_memory_on_neither_side(site: RoughSite) -> None:
    """B-045, R-032: head and tail are kept and the true count told; the child ends as if all were read."""
    sides = (site.agent.pid, site.executor.started.pid)
    before = [peak_from_now(pid) for pid in sides]

    task = site.begin("zeros", count=GIB)

    assert site.step(task)["words"] == "success"
    assert [peak(pid) - was < 30 * MIB for pid, was in zip(sides, before, strict=True)] == [True, True]
    told = printed(site, task)
    assert told["printed"] == GIB
    text = "".join(each["text"] for each in told["items"])
    assert text == "\u2400" * 256 * 1024
    assert told["kept"] == len(text.encode())
    assert any("1.0 GiB" in note for note in told["notes"]), told["notes"]


def test_what_nobody_can_read_takes_no_memory_and_holds_up_no_reply(
    site: RoughSite, rabbitmq: RabbitMQ
) -> None:
    """B-025: 10,000 messages of 20 KiB, which are no messages, and replies among them."""
    executor = site.executor.started.pid
    before = peak_from_now(executor)

    shout(site, RUBBISH // 2)
    task = site.begin("echo", path="among them")
    shout(site, RUBBISH // 2)

    assert site.step(task)["words"] == "success"
    until(lambda: not waiting(rabbitmq, site), "all are read", within=60)
    assert peak(executor) - before < 30 * MIB


def shout(site: RoughSite, count: int) -> None:
    """Send bytes to the executor that are no messages, as the host might."""
    with closing(pika.BlockingConnection(pika.URLParameters(site.bus.url))) as link:
        channel, key = link.channel(), f"{site.token()}.web1"
        for number in range(count):
            body = b"rubbish %d " % number + b"x" * 20_000
            channel.basic_publish(f"{site.bus.prefix}.to-server", key, body)


def test_what_got_lost_on_the_way_is_asked_for_again(site: RoughSite) -> None:
    """B-046: all chunks of a task that was printing while its executor was dead, gone from the queue."""
    mark = site.folder / "mark"
    task = site.begin("talk", path=str(mark))
    until(lambda: "from python" in text_of(site, task), "the first words", within=30)
    site.executor.kill()
    mark.touch()

    assert stolen_output(site) > 0
    site.start_executor()

    assert site.step(task)["words"] == "success"
    until(lambda: text_of(site, task) == "from python\nfrom a child\nthe end\n", "all of it", within=30)


STREAMS = ("stdout", "stderr", "log")


def printed(site: RoughSite, task: str) -> dict:
    """`mcoflow task output`."""
    done = site.told.mcoflow("task", "output", task, "--output", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def text_of(site: RoughSite, task: str) -> str:
    return "".join(each["text"] for each in printed(site, task)["items"] if each["stream"] == "stdout")


def stolen_output(site: RoughSite) -> int:
    """Take the chunks out of the dead executor's queue until the result is there, which stays."""
    bus = AmqpExecutorConnector(site.bus.url, prefix=site.bus.prefix)
    stolen, ended = [], threading.Event()

    def look(delivery: Delivery) -> None:
        match decode(delivery.body).kind:
            case Kind.OUTPUT:
                stolen.append(delivery)
                bus.settle([delivery], Verdict.ACK)
            case Kind.RESULT:
                ended.set()

    def linked(_report: LinkReport) -> None:
        return

    bus.open(linked)
    bus.consume(Replies(site.token()), look, prefetch=50)
    assert ended.wait(30)
    bus.close(wait=timedelta(seconds=5))
    return len(stolen)


def peak_from_now(pid: int) -> int:
    """Forget the most memory that a process had, and return what it has, in bytes."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return peak(pid)


def peak(pid: int) -> int:
    """The most memory that a process had, in bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kib,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kib) * 1024
