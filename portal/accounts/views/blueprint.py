"""The blueprint of accounts, and what several of its pages share."""

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from portal.links import local

bp = Blueprint("accounts", __name__, url_prefix="/account")

Answer = str | tuple[str, int] | Response


def home() -> str:
    """The address of the first page."""
    return url_for("home.index")


def back() -> str:
    """Where a switch was pressed, if that is an address of the portal; else the first page."""
    return local(request.form.get("to"), home())
