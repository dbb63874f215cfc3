"""The raw peers of a fleet: the same broker, a queue a host, and a round whenever one is asked for.

Run as `python -m benchmarks.fleet.raw ask|answer URL PREFIX HOSTS`. Who asks does one round for each line on
standard input, and prints the seconds it took: a number N sends one persistent request to each of the first
N hosts, `all` one persistent message to all; it ends when each host's persistent reply is there. The queues
stay: the broker is private and ends with the benchmark.
"""

import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Final

import pika

from benchmarks.raw_peers import BODY, PERSISTENT, Answerer, Asker, after
from benchmarks.raw_rabbitmq import ROOT

MODULE: Final = (sys.executable, "-m", "benchmarks.fleet.raw")


class RawAsker(Asker):
    """Asks all hosts once a round. The first round is not counted: it waits until the hosts are there."""

    def __init__(self, url: str, prefix: str, hosts: int) -> None:
        super().__init__(url, prefix, hosts, commands=hosts, in_flight=hosts, rounds=sys.maxsize)
        self._to_all = f"{self.replies}.all"

    def _consume(self) -> None:
        self.channel.exchange_declare(self._to_all, "fanout", durable=True)
        bound = after(len(self.requests), super()._consume)
        for name in self.requests:
            self.channel.queue_bind(name, self._to_all, callback=bound)

    def broadcast(self) -> None:
        """Start a round with one message, which the exchange copies into the queue of each host."""
        self._answered, self._started = 0, perf_counter()
        properties = pika.BasicProperties(delivery_mode=PERSISTENT, correlation_id=str(self._round))
        self.channel.basic_publish(self._to_all, "", BODY, properties, mandatory=True)

    def received(self, tag: int, correlation_id: str) -> None:  # noqa: ARG002 - only their number matters
        """Take one answer; end the round with the last."""
        self._acknowledge(tag)
        self._answered += 1
        if self._answered == self._commands:
            self._end_round()

    def _end_round(self) -> None:
        print(perf_counter() - self._started, flush=True)
        self._round += 1
        threading.Thread(target=self._await_line, daemon=True).start()

    def _await_line(self) -> None:
        match sys.stdin.readline().strip():
            case "":
                then = self.close
            case "all":
                self._commands, then = len(self.requests), self.broadcast
            case number:
                self._commands, then = int(number), self.begin
        self.loop.add_callback_threadsafe(then)


class Raw:
    """What the broker does without mcoflow, one round at a time."""

    def __init__(self, asker: subprocess.Popen[str]) -> None:
        self._asker = asker
        self._said()  # the round that is not counted

    def gather(self, hosts: int) -> float:
        """Send each of the first so many hosts a request; return the seconds until all have answered."""
        return self._round(str(hosts))

    def broadcast(self) -> float:
        """Send one message to all hosts; return the seconds until all have answered."""
        return self._round("all")

    def _round(self, line: str) -> float:
        assert self._asker.stdin is not None
        self._asker.stdin.write(f"{line}\n")
        self._asker.stdin.flush()
        return self._said()

    def _said(self) -> float:
        assert self._asker.stdout is not None
        line = self._asker.stdout.readline()
        if not line:
            raise SystemExit("the raw peer of the benchmark ended")
        return float(line)


@contextmanager
def raw_hosts(url: str, hosts: int) -> Iterator[Raw]:
    """Have two processes: one of so many raw hosts, and one of who asks them."""
    words = (url, f"raw-{secrets.token_hex(4)}", str(hosts))
    pipe = subprocess.PIPE
    answerer = subprocess.Popen([*MODULE, "answer", *words], cwd=ROOT)
    asker = subprocess.Popen([*MODULE, "ask", *words], cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
    try:
        yield Raw(asker)
    finally:
        for process in (asker, answerer):
            process.kill()
            process.wait()


def main(role: str, url: str, prefix: str, hosts: str) -> None:
    """Run one side until it is killed, or its standard input ends."""
    peer = RawAsker if role == "ask" else Answerer
    peer(url, prefix, int(hosts)).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
