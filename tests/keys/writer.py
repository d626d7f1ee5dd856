"""A process that keeps changing phones until it is told to stop: python -m tests.keys.writer FOLDER.

Each new number is written into ``FOLDER/written`` after its commit, so that the drill can look for it.
"""

import random
import sys
import time
from pathlib import Path

from sqlalchemy import func, select

from portal import create_app
from portal.accounts.models import Person
from portal.extensions import db
from portal.keys import keyring


def main(folder: Path) -> None:
    keyring.REFRESH_SECONDS = 1
    portal = create_app()
    number = 0
    with portal.app_context(), (folder / "written").open("a") as written:
        last = db.session.scalar(select(func.max(Person.id)))
        db.session.rollback()
        while not (folder / "stop").exists():
            person = db.session.get(Person, random.randint(1, last))
            number += 1
            person.phone = f"+8614500{number:06d}"
            public_id = person.public_id
            db.session.commit()
            written.write(f"{public_id} +8614500{number:06d}\n")
            written.flush()
            time.sleep(0.005)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
