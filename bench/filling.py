"""Add neighbours to the rehearsal district: `python -m bench.filling SCHOOLS`."""

import sys

from bench import county
from portal.database import checkpoint
from portal.extensions import db
from portal.schools import summaries
from wsgi import app


def main(schools: int) -> None:
    """Insert the schools, count the rolled-up numbers, and leave the database as after a night's checkpoint."""
    with app.app_context():
        county.build(schools)
        summaries.rebuild()
        for tally in summaries.TALLIES.values():
            tally.rebuild()
        db.session.commit()
        database = db.engine.url.database
        db.engine.dispose()
    checkpoint(str(database))


if __name__ == "__main__":
    main(int(sys.argv[1]))
