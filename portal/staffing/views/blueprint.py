"""The blueprint of staffing, and what several of its pages share."""

from flask import Blueprint, request
from werkzeug.wrappers import Response

from portal.templating import render

bp = Blueprint("staffing", __name__)
Answer = str | Response | tuple[str, int]


def form_page(template: str, **context: object) -> Answer:
    """The page of a form: 200 when it is opened, 422 when it was sent and something does not hold."""
    page = render(template, **context)
    return (page, 422) if request.method == "POST" else page
