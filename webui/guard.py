"""What every request has to pass, and every answer carries (HTTP specification 1, pages 2.6)."""

import re
import uuid
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest, Forbidden, RequestURITooLarge

from webui.current import request_id, web

CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "",
}
MAX_URL: Final = 8 * 1024
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES: Final = frozenset({"same-origin", "none"})
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
CONTRACT: Final = "/dynflow"
_csrf: Final = CSRFProtect()


def install(app: Flask) -> None:
    """Put the guard in front of every route of the app."""
    app.config.update(WTF_CSRF_CHECK_DEFAULT=False, WTF_CSRF_TIME_LIMIT=12 * 3600)
    _csrf.init_app(app)
    app.before_request(_check)
    app.after_request(_sign)


def is_contract() -> bool:
    """Whether the request is for the contract, whose clients have no session and read JSON."""
    return request.path == CONTRACT or request.path.startswith(f"{CONTRACT}/")


def _check() -> None:
    given = request.headers.get("X-Request-ID", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    if _name(request.host) not in web().settings.allowed_hosts:
        raise BadRequest("this Host is not one of [web] allowed_hosts")
    if len(request.environ.get("RAW_URI") or request.full_path) > MAX_URL:
        raise RequestURITooLarge
    if request.method not in SAFE_METHODS:
        _check_origin()
        if not is_contract() and _from_a_browser():
            _csrf.protect()


def _check_origin() -> None:
    """Refuse what another site made a browser send; without both headers no browser sent it."""
    origin = request.headers.get("Origin")
    own = {request.host.lower(), *web().settings.origins}
    if origin is not None and urlsplit(origin).netloc.lower() not in own:
        raise Forbidden("this request comes from another site")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in _OWN_SITES:
        raise Forbidden("this request comes from another site")


def _from_a_browser() -> bool:
    """Whether the request carries a session, or signs of a browser: then it needs the form's token."""
    return (
        current_app.config["SESSION_COOKIE_NAME"] in request.cookies
        or "Origin" in request.headers
        or "Sec-Fetch-Site" in request.headers
    )


def _name(host: str) -> str:
    """Return a Host header without its port."""
    return re.sub(r":\d+$", "", host).lower()


def _sign(response: Response) -> Response:
    response.headers.update(HEADERS)
    response.headers["X-Request-ID"] = request_id()
    response.headers.setdefault("Cache-Control", "private, no-cache")
    return response
