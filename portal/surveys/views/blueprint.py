"""The two blueprints: pages of people who are known, and the pages where nobody is."""

from flask import Blueprint, request
from werkzeug.wrappers import Response

from portal.templating import render

bp = Blueprint("surveys", __name__, url_prefix="/surveys")
answers = Blueprint("answers", __name__, url_prefix="/q")
Answer = str | Response | tuple[str, int]


def form_page(template: str, **context: object) -> Answer:
    """A page with a form; 422 when what was sent does not hold."""
    page = render(template, **context)
    return (page, 422) if request.method == "POST" else page
