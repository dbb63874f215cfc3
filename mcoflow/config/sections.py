"""The sections of broker.cfg as models; broker.cfg.example says what each key means to a person."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mcoflow.config.values import (
    BusUrl,
    DatabaseUrl,
    Duration,
    HomePath,
    Identity,
    Listen,
    Listener,
    Url,
    WebUrl,
    Words,
    between,
)

LogLevel = Literal["debug", "info", "warning", "error"]


class Section(BaseModel):
    """What all sections have in common: no unknown key, no change after reading."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class BrokerConfig(Section):
    """The `[broker]` section: which message bus, and how to log in."""

    url: BusUrl = "memory://"
    prefix: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")] = "mcoflow"
    replicated: bool = False
    heartbeat: Annotated[Duration, between("1 s", "10 min")] = timedelta(seconds=10)
    ca: HomePath | None = None
    cert: HomePath | None = None
    key: HomePath | None = None

    @model_validator(mode="after")
    def _certificate_and_key_together(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together: set both or neither")
        return self


class ServerConfig(Section):
    """The `[server]` section: the executor and its database."""

    state_dir: HomePath
    database: DatabaseUrl = Field(
        default_factory=lambda known: Url(f"sqlite:///{known['state_dir']}/mcoflow.db")
    )
    admission: Literal["open", "approve"] = "open"
    """approve: a host gets no queue, and so no work, before a person admits it."""
    admit_simulated: bool | None = None
    """None: yes under `mcoflow up`, else no."""
    pickup_deadline: Annotated[Duration, between("1 s", "7 d")] = timedelta(minutes=10)
    output_cap: Annotated[int, Field(ge=0, le=1024 * 1024 * 1024)] = 4 * 1024 * 1024
    """Most bytes stored of what the hosts of one step print."""
    log_level: LogLevel = "info"


class WebConfig(Section):
    """The `[web]` section: the pages and the API."""

    listen: Listen = Listener("127.0.0.1", 9292)
    allowed_hosts: Words = ()
    """More than loopback names, the listener and the host of `public_url`, which are always allowed."""
    public_url: WebUrl | None = None
    auth: Literal["open"] = "open"
    max_streams: Annotated[int, Field(ge=1, le=1000)] = 48

    @field_validator("listen", mode="after")
    @classmethod
    def _open_stays_on_this_machine(cls, listen: Listener) -> Listener:
        if not listen.is_loopback:
            raise ValueError(
                "without login every caller is an administrator, so only a loopback address is allowed: "
                "listen on 127.0.0.1 and let a proxy with a login of its own forward to it"
            )
        return listen


class TelemetryConfig(Section):
    """The `[telemetry]` section: metrics of an executor, which has no pages to show them on."""

    listen: Listen | None = None
    """None: not served. There is no login; metrics name no host and no user."""


class AgentConfig(Section):
    """The `[agent]` section: the daemon on a managed host."""

    state_dir: HomePath
    identity: Identity | None = None
    """None: the fully qualified name of the machine."""
    collectives: Annotated[Words, Field(min_length=1)] = ("main",)
    agents: Annotated[Words, Field(min_length=1)] = ("host", "package", "service")
    parallel: Annotated[int, Field(ge=1, le=256)] = 4
    max_waiting: Annotated[int, Field(ge=1, le=100_000)] = 1000
    retention_days: Annotated[int, Field(ge=9, le=3650)] = 30
    """Under 9 days a request redelivered at its last moment (7 days) could meet a forgetful journal."""
    policy: HomePath = Path("/etc/mcoflow/policy.toml")
    """What the agents `command`, `file` and `process` may do; without the file the least."""
    facts_dir: HomePath = Path("/etc/mcoflow/facts.d")
    facts_interval: Annotated[Duration, between("1 s", "1 d")] = timedelta(minutes=5)
    presence_interval: Annotated[Duration, between("1 s", "2 min")] = timedelta(seconds=60)
    """At most 2 min: the server calls a host late after 150 s of silence."""
    provider: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")] = "pyinfra"
    """pyinfra, fake, or an entry point of `mcoflow.providers`; looked up when the agent starts."""
    init: Literal["auto", "systemd", "sysvinit", "openrc", "runit", "launchd"] = "auto"
    drain: Annotated[Duration, between("0 s", "1 h")] = timedelta(seconds=30)
    output_cap: Annotated[int, Field(ge=0, le=4 * 1024 * 1024)] = 256 * 1024
    """Most bytes kept of what one operation prints: the first and the last half."""
    log_level: LogLevel = "info"


class Config(Section):
    """All settings. `source` is the file they came from, None when there was none."""

    broker: BrokerConfig = BrokerConfig()
    server: ServerConfig
    web: WebConfig = WebConfig()
    telemetry: TelemetryConfig = TelemetryConfig()
    agent: AgentConfig
    source: Path | None = None
