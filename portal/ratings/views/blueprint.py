"""The blueprint that all pages of ratings belong to."""

from flask import Blueprint

bp = Blueprint("ratings", __name__)
