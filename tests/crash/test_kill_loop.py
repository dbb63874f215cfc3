"""A seeded loop of kills among three executors, two agents and a broker, under work without a pause."""

from contextlib import closing
from random import Random

import pytest

from tests.crash.supervisor import Server, Supervisor
from tests.crash.work import WORK, ends_right, submit

SEED = 2
KILLS = ["executor"] * 9 + ["agent"] * 2 + ["broker"]
ROUND = list(WORK)  # five commands to hosts, four of them with an effect
HOSTS = ["web1", "web2"]


@pytest.fixture
def site(rabbitmq, tmp_path):
    with closing(
        Supervisor(tmp_path, rabbitmq.url, rabbitmq.new_prefix(), f"sqlite:///{tmp_path}/db", HOSTS)
    ) as site:
        for host in HOSTS:
            site.start_agent(host)
        yield site


class Loop:
    """What is killed when is drawn from the seed; what that meets depends on the machine."""

    def __init__(self, site: Supervisor, broker, chance: Random) -> None:
        self._site, self._broker, self._chance = site, broker, chance
        self._servers = [site.start_server() for _ in range(3)]
        self.given = []

    def go_round(self, victim: str) -> None:
        """Have work submitted to two executors, kill in the midst of it, start again what was killed."""
        chosen = self._chance.randrange(3)
        server = self._servers[chosen]
        self._work(self._servers[chosen - 1])
        left = self._work(server, self._chance.randrange(1, len(ROUND)))
        if victim == "executor":
            server.kill()
            self._servers[chosen] = self._site.start_server()
        elif victim == "agent":
            host = self._chance.choice(HOSTS)
            self._site.kill_agent(host)
            self._site.start_agent(host)
        else:
            self._broker.kill()
            self._broker.start()
        self._work(self._servers[chosen], 0, left)

    def end(self) -> None:
        """See that everything ended right, and end the executors."""
        ends_right(self._site, self.given)
        self._site.check()
        for server in self._servers:
            server.end()

    def _work(self, server: Server, upto: int | None = None, work=None):
        """Submit the first `upto` of a round, on hosts drawn by chance; return the others."""
        if work is None:
            host = self._chance.choice(HOSTS)
            work = [(a, f if f.get("host") != "web1" else {**f, "host": host}) for a, f in ROUND]
            self._chance.shuffle(work)
        upto = upto or len(work)
        given, left = submit(self._site, server, work[:upto])
        assert not left
        self.given += given
        return work[upto:]


@pytest.mark.timeout(300)
def test_a_hundred_commands_outlive_twelve_kills(site, rabbitmq):
    """G-01, R-008, R-018, small: 0 violations, every plan ends right."""
    chance = Random(SEED)
    loop = Loop(site, rabbitmq, chance)
    for victim in chance.sample(KILLS, len(KILLS)):
        loop.go_round(victim)
    loop.end()
