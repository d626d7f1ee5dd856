"""The blueprint that the view files of data rights share."""

from flask import Blueprint, request
from werkzeug.wrappers import Response

from portal.templating import render

bp = Blueprint("privacy", __name__, url_prefix="/privacy")
Answer = str | Response | tuple[str, int]


def form_page(template: str, **context: object) -> Answer:
    """The page of a form: 422 when what was sent does not hold."""
    page = render(template, **context)
    return (page, 422) if request.method == "POST" else page
