"""Where settings come from, and what is said when they are wrong."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from mcoflow.config import Config, Listener, load_config
from mcoflow.config.load import SECTIONS
from mcoflow.errors import ConfigError

EXAMPLE = Path(__file__).parents[3] / "broker.cfg.example"
Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(text: str) -> Path:
        path = tmp_path / "broker.cfg"
        path.write_text(text)
        return path

    return to_file


def read(path: Path | None = None, **environ: str) -> Config:
    return load_config(path, {"HOME": "/home/ann", **environ})


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing lies about that would be read by chance."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


# -- where settings come from ----------------------------------------------------------------------------


def test_without_a_file_the_defaults_are_one_process_on_this_machine() -> None:
    config = read()

    assert config.source is None
    assert config.broker.url == "memory://"
    assert config.web.listen == Listener("127.0.0.1", 9292)
    assert config.server.state_dir == Path("/home/ann/.local/state/mcoflow")
    assert config.server.database == "sqlite:////home/ann/.local/state/mcoflow/mcoflow.db"
    assert config.agent.state_dir == Path("/home/ann/.local/state/mcoflow/agent")
    assert config.server.pickup_deadline == timedelta(minutes=10)


def test_state_goes_where_xdg_says() -> None:
    assert read(XDG_STATE_HOME="/var/x").server.state_dir == Path("/var/x/mcoflow")


def test_database_and_journal_follow_the_state_directory(write: Write) -> None:
    config = read(write("[server]\nstate_dir = /srv/mco\n"))

    assert config.server.database == "sqlite:////srv/mco/mcoflow.db"
    assert config.agent.state_dir == Path("/srv/mco/agent")


def test_the_variable_wins_over_the_file(write: Write) -> None:
    path = write("[agent]\nparallel = 2\nmax_waiting = 7\n")

    agent = read(path, MCOFLOW_AGENT_PARALLEL="9").agent

    assert (agent.parallel, agent.max_waiting) == (9, 7)


def test_an_empty_value_means_the_default(write: Write) -> None:
    assert read(write("[agent]\nparallel =\n")).agent.parallel == 4


def test_files_are_looked_for_in_order(empty_directory: Path, tmp_path: Path) -> None:
    def place(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("[broker]\nprefix = found\n")
        return path

    environ = {"HOME": str(tmp_path)}
    in_home = place(tmp_path / ".config/mcoflow/broker.cfg")
    assert load_config(None, environ).source == in_home
    place(empty_directory / "broker.cfg")
    assert load_config(None, environ).source == Path("broker.cfg")
    named = place(tmp_path / "named.cfg")
    assert load_config(None, {**environ, "MCOFLOW_CONFIG": str(named)}).source == named
    asked = place(tmp_path / "asked.cfg")
    assert load_config(asked, {**environ, "MCOFLOW_CONFIG": str(named)}).source == asked


def test_the_example_documents_every_key_with_its_default(write: Write) -> None:
    text = re.sub(r"(?m)^#(?=[a-z_]+ =)", "", EXAMPLE.read_text())

    from_example = load_config(write(text), {})

    assert from_example.model_copy(update={"source": None}) == load_config(None, {})
    sections = re.split(r"(?m)^\[(\w+)\]$", text)[1:]
    shown = {
        name: re.findall(r"(?m)^([a-z_]+) =", body)
        for name, body in zip(sections[::2], sections[1::2], strict=True)
    }
    assert {name: set(keys) for name, keys in shown.items()} == {
        name: set(model.model_fields) for name, model in SECTIONS.items()
    }


# -- how values are written ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30", 30), ("30 s", 30), ("10min", 600), ("2 h", 7200), ("7 d", 604800), ("1500 ms", 1.5)],
)
def test_a_duration_has_a_unit_or_is_in_seconds(text: str, seconds: float) -> None:
    assert read(MCOFLOW_SERVER_PICKUP_DEADLINE=text).server.pickup_deadline == timedelta(seconds=seconds)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_through_psycopg(scheme: str) -> None:
    config = read(MCOFLOW_SERVER_DATABASE=f"{scheme}://mco@db/mco")

    assert config.server.database == "postgresql+psycopg://mco@db/mco"


def test_lists_are_separated_by_commas_or_blanks() -> None:
    assert read(MCOFLOW_AGENT_AGENTS="host,package,  service x").agent.agents == (
        "host",
        "package",
        "service",
        "x",
    )


def test_percent_and_dollar_in_a_password_are_themselves(write: Write) -> None:
    assert read(write("[broker]\nurl = amqp://u:%(a)s$b@h/v\n")).broker.url == "amqp://u:%(a)s$b@h/v"


def test_the_listener_may_be_ipv6() -> None:
    listen = read(MCOFLOW_WEB_LISTEN="[::1]:8080").web.listen

    assert (listen.host, listen.port, str(listen)) == ("::1", 8080, "[::1]:8080")


def test_an_identity_is_lower_cased() -> None:
    assert read(MCOFLOW_AGENT_IDENTITY="Web1.Example.COM").agent.identity == "web1.example.com"


# -- what is wrong ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[brokr]\nurl = x\n", "there is no section [brokr]; did you mean 'broker'?"),
        ("[DEFAULT]\nurl = x\n", "there is no section [DEFAULT]"),
        ("[broker]\nulr = x\n", "[broker] has no key 'ulr'; did you mean 'url'?"),
        ("[agent]\nzzz = x\n", "[agent] has no key 'zzz'; there are: agents, "),
        ("url = x\n", "line 1: a [section] has to come first"),
        ("[broker]\nurl\n", "line 2: write `key = value`"),
        ("[broker]\nprefix = a\nprefix = b\n", "line 3: [broker] prefix stands there twice"),
        ("[broker]\n[broker]\n", "line 2: [broker] stands there twice"),
        ("[agent]\nparallel = many\n", "[agent] parallel = 'many': input should be a valid integer"),
        ("[agent]\nparallel = 0\n", "[agent] parallel = '0': input should be greater than or equal to 1"),
        ("[agent]\nidentity = a b\n", "[agent] identity = 'a b': 'a b' is no host name"),
        ("[server]\npickup_deadline = 8 d\n", "[server] pickup_deadline = '8 d': write 1 s to 7 d"),
        ("[server]\npickup_deadline = soon\n", "[server] pickup_deadline = 'soon': write a number and one"),
        ("[server]\ndatabase = mysql://h/d\n", "[server] database: write sqlite:///path/to/file.db or"),
        ("[server]\ndatabase = sqlite:///:memory:\n", "[server] database: names no file: of a database"),
        ("[broker]\nurl = rabbit\n", "[broker] url: write a URL: memory://, amqp://user:password@host/vhost"),
        ("[broker]\nprefix = a.b\n", "[broker] prefix = 'a.b': string should match pattern"),
        ("[broker]\ncert = /x.pem\n", "[broker]: cert and key belong together"),
        ("[web]\nlisten = 9292\n", "[web] listen = '9292': write host:port"),
        ("[web]\nlisten = 127.0.0.1:99999\n", "[web] listen = '127.0.0.1:99999': write host:port"),
        ("[web]\nlisten = 0.0.0.0:9292\n", "[web] listen = '0.0.0.0:9292': without login every caller is"),
        ("[web]\nlisten = web1:9292\n", "only a loopback address is allowed"),
        ("[web]\npublic_url = ftp://x\n", "[web] public_url = 'ftp://x': write a URL without query"),
        ("[web]\nauth = login\n", "[web] auth = 'login': input should be 'open'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_section_key_and_the_way_out(
    text: str, message: str, write: Write
) -> None:
    path = write(text)

    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        read(path)

    assert str(caught.value).startswith(str(path))


def test_a_wrong_variable_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^the environment \(MCOFLOW_AGENT_PARALLEL\): \[agent\] parallel"):
        read(MCOFLOW_AGENT_PARALLEL="x")
    with pytest.raises(ConfigError, match=r"\(MCOFLOW_AGENT_PARALEL\): .*did you mean 'parallel'"):
        read(MCOFLOW_AGENT_PARALEL="3")


def test_a_file_that_was_named_has_to_be_there() -> None:
    with pytest.raises(ConfigError, match=r"^missing\.cfg cannot be read: No such file"):
        read(Path("missing.cfg"))
    with pytest.raises(ConfigError, match="cannot be read"):
        read(MCOFLOW_CONFIG="missing.cfg")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes").write_bytes(b"\xff\xfe[broker]")

    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        read(tmp_path / "bytes")


def test_nothing_is_changed_after_reading() -> None:
    with pytest.raises(ValueError, match="frozen"):
        read().broker.url = "amqp://elsewhere"


# -- passwords -------------------------------------------------------------------------------------------


def test_passwords_are_in_no_repr() -> None:
    config = read(
        MCOFLOW_BROKER_URL="amqp://ann:s3cret@h/v",
        MCOFLOW_SERVER_DATABASE="postgresql://ann:s3cr/et@h/d?sslpassword=s3cret",
    )

    assert "s3cr" not in f"{config!r} {config}"
    assert "ann:***@h/v" in repr(config)
    assert config.broker.url == "amqp://ann:s3cret@h/v"


@pytest.mark.parametrize(
    "text",
    [
        "[broker]\nurl = amqp//ann:s3cret@h\n",
        "[broker]\nurl = ann:s3cret\n",
        "[server]\ndatabase = mysql://ann:s3cret@h/d\n",
        "[agent]\nparallel = amqp://ann:s3cret@h\n",
        "[broker]\namqp://ann:s3cret@h\n",
        "[broker]\nurl = amqp://ann:s3cret@h\nurl = amqp://ann:s3cret@h\n",
    ],
)
def test_passwords_are_in_no_message(text: str, write: Write) -> None:
    with pytest.raises(ConfigError) as caught:
        read(write(text))

    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_all_mistakes_are_named_at_once(write: Write) -> None:
    path = write("[broker]\nulr = x\nheartbeat = 9 h\n[foo]\na = 1\n[agent]\nparallel = 0\n")

    with pytest.raises(ConfigError) as refused:
        load_config(path, {"HOME": "/home/ann", "MCOFLOW_WEB_LISTN": "x", "MCOFLOW_WEB_AUTH": "none"})

    said = str(refused.value).splitlines()
    assert len(said) == 6
    for what in ("'ulr'", "[foo]", "heartbeat", "'listn'", "MCOFLOW_WEB_AUTH", "[agent] parallel"):
        assert sum(what in line for line in said) == 1
