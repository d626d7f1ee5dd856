"""Walking through the portal as a person would: from the first page along every link."""

from collections import deque
from collections.abc import Iterator
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from tests.site.checks import Answer, links
from tests.support.queries import counting

SAME_PAGE = 3
"""How many addresses of one endpoint are visited: enough to meet rows in several states."""


def endpoint_of(app: Flask, path: str) -> str | None:
    """The endpoint an address leads to by GET."""
    try:
        return app.url_map.bind("localhost").match(urlsplit(path).path, method="GET")[0]  # type: ignore[return-value]
    except HTTPException:
        return None


def fetch(client: FlaskClient, path: str, language: str) -> Answer:
    """One page, with the statements it cost."""
    with counting() as count:
        response = client.get(path, headers={"Accept-Language": language})
    html = response.get_data(as_text=True) if response.mimetype == "text/html" else ""
    return Answer(
        path,
        response.status_code,
        response.headers,
        html,
        language,
        list(count.statements),
        developer=path.startswith("/styles"),
    )


def walk(
    app: Flask, client: FlaskClient, language: str, starts: tuple[str, ...], same_page: int = SAME_PAGE
) -> Iterator[Answer]:
    """Every page reachable from the starts; a few of each kind."""
    waiting, seen, visits = deque(starts), set(starts), dict[str, int]()
    while waiting:
        path = waiting.popleft()
        endpoint = endpoint_of(app, path)
        if endpoint is not None:
            visits[endpoint] = visits.get(endpoint, 0) + 1
            if visits[endpoint] > same_page:
                continue
        answer = fetch(client, path, language)
        yield answer
        if answer.status in (301, 302, 303, 308):
            found = [urlsplit(answer.headers["Location"])._replace(scheme="", netloc="").geturl()]
        else:
            found = links(answer)
        for link in found:
            if link not in seen:
                seen.add(link)
                waiting.append(link)
