"""A Celery group, run by the interpreter of the other tools: `celery_group.py URL TASKS ROUNDS`.

The application's worker is started apart; it takes the URL from the environment variable BENCH_BROKER.
"""

import json
import os
import sys
from time import perf_counter

import celery  # type: ignore[import-not-found]

WAIT = 120.0
app = celery.Celery("bench", broker=os.environ["BENCH_BROKER"], backend="rpc://")
app.conf.worker_prefetch_multiplier = 100


@app.task(name="bench.ping")  # type: ignore[untyped-decorator]
def ping(host: str) -> dict[str, str]:
    """Answer, as a simulated host does."""
    return {"pong": host}


def main(tasks: str, rounds: str) -> None:
    """Print the seconds of each round as JSON; one more goes before them and is not counted."""
    seconds = []
    for _ in range(1 + int(rounds)):
        began = perf_counter()
        group = celery.group(ping.s(f"sim-{number:05}") for number in range(int(tasks)))
        answers = group.apply_async().get(timeout=WAIT)
        seconds.append(perf_counter() - began)
        if len(answers) != int(tasks):
            raise SystemExit(f"{len(answers)} of {tasks} answered")
    print(json.dumps(seconds[1:]))


if __name__ == "__main__":
    main(*sys.argv[1:])
