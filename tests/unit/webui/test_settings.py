"""Where the web process listens, and the key that outlives it."""

import stat
from pathlib import Path

from mcoflow.config import WebConfig
from webui.settings import WebSettings, session_key


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "web.key"
    first = session_key(file)
    assert len(first) == 32
    assert session_key(file) == first
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_loopback_names_and_the_public_url_are_always_allowed() -> None:
    config = WebConfig(public_url="https://flow.example:8443", allowed_hosts=("Other",), max_streams=5)  # type: ignore[arg-type]
    settings = WebSettings.of(config, b"k")
    assert settings.allowed_hosts == {"localhost", "127.0.0.1", "[::1]", "flow.example", "other"}
    assert settings.origins == {"flow.example:8443"}
    assert (settings.host, settings.port, settings.max_streams) == ("127.0.0.1", 9292, 5)
