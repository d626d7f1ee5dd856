"""A change must be sent from a page of the portal itself: what the browser says about where a request comes from.

Stands before the token of the form, which every change needs as well. Browsers that do not say (before 2020, or without
HTTPS) are asked for the Origin header; those that send neither are left to the token.
"""

from urllib.parse import urlsplit

from flask import Flask, request

from portal.database import SAFE_METHODS
from portal.errors import RuleBroken
from portal.i18n import gettext as _

OWN = frozenset({"same-origin", "none"})


def _host(address: str) -> str:
    """The host of an address or of a Host header, without its port, which a proxy may have taken away."""
    try:
        return (urlsplit(address if "//" in address else f"//{address}").hostname or "").lower()
    except ValueError:
        return ""


def is_own() -> bool:
    """Whether nothing says that this request was sent by a page of somebody else."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in OWN
    origin = request.headers.get("Origin")
    return origin is None or (_host(origin) != "" and _host(origin) == _host(request.host))


def init_app(app: Flask) -> None:
    """Refuse what other sites send, before anything else looks at it."""

    @app.before_request
    def refuse_others() -> None:
        if request.method not in SAFE_METHODS and not is_own():
            raise RuleBroken(
                _(
                    "This form was not sent from a page of the portal. Open the page again and send it from there."
                ),
                status=400,
            )
