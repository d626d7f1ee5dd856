"""The WSGI entry point: ``gunicorn wsgi:app``, ``flask --app wsgi …``."""

import gc

# What a start makes stays for good; the collector would look through it again and again, for a quarter of the time.
gc.disable()

from portal import create_app  # noqa: E402

app = create_app()
gc.freeze()
gc.enable()
