"""Bringing a database to the newest revision, as an operator does."""

import logging

from flask import Flask
from flask_migrate import upgrade


def migrate(app: Flask, revision: str = "head") -> None:
    """Run the migrations up to ``revision``."""
    with app.app_context():
        upgrade(revision=revision)
    logging.disable(logging.NOTSET)
