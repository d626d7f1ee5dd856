"""The portal whose answers arrive late, so that kills meet them between the commit and the answer.

ONCE=off makes it blind to the key of a form: the control that must show doubled writes.
"""

import os
import time

from flask import Response, request

from portal import create_app, once

SECONDS_LATE = 0.03

if os.environ.get("ONCE") == "off":
    once.FIELD = "nobody-sends-this"
app = create_app()


@app.after_request
def answer_late(response: Response) -> Response:
    """Leave time between the commit and the answer."""
    if request.method == "POST":
        time.sleep(SECONDS_LATE)
    return response
