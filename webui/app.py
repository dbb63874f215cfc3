"""The web application: pages, form, contract and checks over one set of services."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Final

from flask import Flask, Response, current_app, request, url_for
from flask_bootstrap import Bootstrap5
from jinja2 import StrictUndefined

from mcoflow.domain.told import in_one_line
from mcoflow.services import Services
from webui import errors, guard, health, metrics, text, when
from webui.api import contract
from webui.api.v1 import actions, commands, document, orders, problems
from webui.api.v1 import discoveries as api_discoveries
from webui.api.v1 import hosts as api_hosts
from webui.api.v1 import tasks as api_tasks
from webui.current import EXTENSION, Web, request_id
from webui.doorbell import Doorbell
from webui.pages import (
    discoveries,
    form,
    hosts,
    new,
    recurrences,
    task,
    task_acts,
    task_events,
    task_hosts,
    task_operating,
    task_output,
    task_schedule,
    tasks,
)
from webui.settings import WebSettings

PAGE_BODY: Final = 1 << 20
_STATIC: Final = frozenset({"static", "bootstrap.static"})
_PAGES: Final = (
    form,
    new,
    tasks,
    recurrences,
    task,
    task_acts,
    task_schedule,
    task_operating,
    task_output,
    task_events,
    task_hosts,
    hosts,
    discoveries,
)
_API: Final = (api_tasks, orders, commands, actions, api_hosts, api_discoveries, document)
_YEAR: Final = 31536000


def create_app(services: Services, settings: WebSettings) -> Flask:
    """Return the WSGI application. Close it with stop()."""
    app = Flask("webui", root_path=str(Path(__file__).parent))
    app.config.update(
        SECRET_KEY=settings.secret_key,
        BOOTSTRAP_SERVE_LOCAL=True,
        SESSION_COOKIE_NAME="mcoflow_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=PAGE_BODY,
        MAX_FORM_MEMORY_SIZE=PAGE_BODY,
    )
    app.url_map.merge_slashes = False  # no path of the contract is answered with a redirect
    app.extensions[EXTENSION] = Web(services, settings, Doorbell(services.plans, settings.max_streams))
    Bootstrap5(app)
    guard.install(app)
    errors.install(app)
    _teach_templates(app)
    app.after_request(_keep_static)
    for part in (*_PAGES, *_API, problems, contract, health, metrics):
        app.register_blueprint(part.bp)
    return app


def stop(app: Flask) -> None:
    """End the event streams of an app and the thread that feeds them."""
    web: Web = app.extensions[EXTENSION]
    web.doorbell.close()


def _teach_templates(app: Flask) -> None:
    app.jinja_env.undefined = StrictUndefined  # a name that is not there is a fault, not an empty text
    app.jinja_env.finalize = text.harmless
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        exact=when.exact,
        ago=when.ago,
        clock_time=when.clock_time,
        took=when.took,
        clock_words=when.clock_words,
        terminal=text.terminal,
        as_text=text.as_text,
        shorten=text.shorten,
        in_one_line=in_one_line,
        breakable=text.breakable,
        size=text.size,
    )
    app.jinja_env.globals.update(asset=_asset, zone_name=when.zone_name, request_id=request_id)


def _asset(endpoint: str, filename: str) -> str:
    """Return the URL of a static file with a hash of its content: it may be kept for a year."""
    return url_for(endpoint, filename=filename, v=_digest(endpoint, filename))


@lru_cache(maxsize=32)
def _digest(endpoint: str, filename: str) -> str:
    name, _, _ = endpoint.rpartition(".")
    owner = current_app.blueprints[name] if name else current_app
    file = Path(owner.root_path, str(owner.static_folder), filename)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _keep_static(response: Response) -> Response:
    if request.endpoint in _STATIC and request.args.get("v"):
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable"
    return response
