"""A job process to be killed: each line on its input starts one child that sends what waits; the child's number is printed.

The portal is made once and each child forked from it, so that a kill costs milliseconds. Leases and pauses are short.
"""

import os
import sys
import time
from datetime import timedelta

from portal import create_app
from portal.deliveries import jobs
from portal.deliveries.kinds import Kind
from portal.extensions import db

KIND = "tests.crash"
LEASE = timedelta(seconds=0.4)


def hasten() -> None:
    """Short leases, no pauses, and the kind of message the rehearsal sends."""
    jobs.LEASE = LEASE
    jobs.RETRY_AFTER = tuple(timedelta(seconds=0.02) for _try in range(1000))
    Kind(KIND, subject="x", text="%(number)s", takes=("number",))


def main() -> None:
    hasten()
    app = create_app()
    for _line in sys.stdin:
        process = os.fork()
        if process == 0:
            with app.app_context():
                while True:
                    jobs.sweep()
                    db.session.remove()
                    time.sleep(0.01)
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()
        os.waitpid(process, 0)


if __name__ == "__main__":
    main()
