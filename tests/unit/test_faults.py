"""Fault points: nothing without the variable, refused without the word that this is a test."""

import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
from mcoflow.faults import faultpoint
for name in ("one", "two", "one"):
    print(name, flush=True)
    faultpoint(name)
"""


def run(faults="", testing="1"):
    environment = {**os.environ, "MCOFLOW_FAULTS": faults, "MCOFLOW_TESTING": testing}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False
    )


def test_without_the_variable_nothing_happens():
    assert run().stdout.split() == ["one", "two", "one"]


@pytest.mark.parametrize(
    ("fault", "code", "seen"),
    [
        ("one:kill", -signal.SIGKILL, 1),
        ("two:kill", -signal.SIGKILL, 2),
        ("one:kill:2", -signal.SIGKILL, 3),
        ("one:kill:3", 0, 3),
        ("two:raise", 1, 2),
        ("one:sleep=0.01,two:kill:1.0", -signal.SIGKILL, 2),
        ("one:kill:0.0", 0, 3),
        ("three:kill", 0, 3),
    ],
)
def test_a_fault_happens_at_its_point_and_hit(fault, code, seen):
    done = run(fault)

    assert (done.returncode, len(done.stdout.split())) == (code, seen)


def test_faults_are_refused_outside_tests():
    done = run("one:kill", testing="")

    assert (done.returncode, done.stdout) == (78, "")
    assert "MCOFLOW_TESTING=1" in done.stderr


@pytest.mark.parametrize("fault", ["one", "one:burn", "one:sleep", "one:kill:often", "one:kill:1:2"])
def test_what_is_no_fault_is_refused(fault):
    assert run(fault).returncode == 78
