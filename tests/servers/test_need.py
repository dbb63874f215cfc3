"""What a machine lacks is said, and never passed over in CI."""

import socket

import pytest

from tests.servers.need import free_port, need


def test_what_is_missing_skips_the_test_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)

    with pytest.raises(pytest.skip.Exception, match="Chromium is missing"):
        need(None, "Chromium")


def test_what_is_missing_in_ci_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")

    with pytest.raises(pytest.fail.Exception, match="Chromium is missing"):
        need(None, "Chromium")
    need("/usr/bin/chromium", "Chromium")


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[1] < 32_768
