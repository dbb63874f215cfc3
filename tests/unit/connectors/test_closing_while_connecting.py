"""Closing a connector whose broker has not answered yet."""

import socket
import threading
from datetime import timedelta

import pytest

from connectors.amqp import AmqpExecutorConnector


def test_a_login_that_is_broken_off_ends_the_thread_in_good_order(caplog: pytest.LogCaptureFixture) -> None:
    """A broker that accepts, asks who we are, and then hears that we leave."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        connector = AmqpExecutorConnector(f"amqp://guest:guest@127.0.0.1:{silent.getsockname()[1]}/")
        connector.open(lambda _report: None)
        peers = [silent.accept()[0], silent.accept()[0]]
        for peer in peers:
            peer.settimeout(5)
            assert peer.recv(8).startswith(b"AMQP")

        connector.close(wait=timedelta(seconds=2))

        for peer in peers:
            peer.close()
    assert "bus.thread_died" not in caplog.text
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mcoflow-amqp")]
