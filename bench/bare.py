"""The bare Flask page everything is compared with: one route, a signed session, no database, no template."""

from flask import Flask, session

SESSION = {"_user_id": "0" * 43, "_fresh": True, "csrf_token": "0" * 40}

app = Flask(__name__)
app.config["SECRET_KEY"] = "0" * 64


@app.get("/")
def hello() -> str:
    """Read the session and say hello."""
    return f"hello {len(session)}"


def cookie() -> str:
    """A Cookie header with a session as long as the portal's."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return f"session={serializer.dumps(SESSION)}"
