"""What the request at hand has to work with."""

from dataclasses import dataclass
from typing import Final, cast

from flask import current_app, g

from mcoflow.services import Services
from webui.doorbell import Doorbell
from webui.settings import WebSettings

EXTENSION: Final = "mcoflow"
LOCAL: Final = "local"
"""Who acts in open mode."""


@dataclass(frozen=True, slots=True)
class Web:
    """The parts of a web process."""

    services: Services
    settings: WebSettings
    doorbell: Doorbell


def web() -> Web:
    """Return the parts of the app that answers."""
    return cast(Web, current_app.extensions[EXTENSION])


def services() -> Services:
    """Return the use cases."""
    return web().services


def request_id() -> str:
    """Return the id under which this request is logged."""
    return cast(str, g.get("request_id", ""))
