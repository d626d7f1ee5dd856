"""Looking into a served portal: an application of its own on the same database."""

from collections.abc import Iterator
from contextlib import contextmanager

from portal import create_app
from portal.config import Settings
from portal.extensions import db
from tests.support.server import Portal


@contextmanager
def inside(portal: Portal) -> Iterator[None]:
    """Within, ``db.session`` is that of the served portal's database."""
    settings = Settings(instance=portal.folder, database_url="", development=True, password_memory_kib=64)
    app = create_app(settings, TESTING=True)
    with app.test_request_context(method="POST"):
        yield
        db.session.remove()
        db.engine.dispose()
