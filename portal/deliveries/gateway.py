"""Text messages through an HTTP gateway that takes JSON.

``POST url`` with ``{"to": "+86…", "text": "…", "key": "…"}``, ``Authorization: Bearer …`` and ``Idempotency-Key: …``
(draft-ietf-httpapi-idempotency-key-header). 200, 201 or 202 with ``{"id": "…"}``: taken. ``GET status_url?key=…``,
where there is one: 200 when a message of that key was taken, 404 when not. docs/operators.md says how to put a small
translator before a provider that speaks otherwise.
"""

from typing import Any

import requests

from portal.deliveries.channels import Answer, Fate, Message

SECONDS = (5, 20)
LONGEST_ANSWER = 20_000
_TAKEN = (200, 201, 202)
_LATER = (408, 425, 429)


class Gateway:
    """``repeatable`` only when the operator knows that the gateway takes one key once."""

    carries_links = False

    def __init__(self, url: str, key: str = "", *, repeatable: bool = False, status_url: str = "") -> None:
        self.url = url
        self.key = key
        self.repeatable = repeatable
        self.status_url = status_url

    def _headers(self, key: str) -> dict[str, str]:
        headers = {"Idempotency-Key": key, "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        return headers

    def deliver(self, message: Message) -> Answer:
        """Hand it to the gateway; a connection that never stood is certain, a silence after it is doubt."""
        body = {"to": message.recipient, "text": message.text, "key": message.key}
        try:
            answer = requests.post(
                self.url,
                json=body,
                headers=self._headers(message.key),
                timeout=SECONDS,
                allow_redirects=False,
            )
        except requests.ConnectTimeout:
            return Answer(Fate.LATER, problem="ConnectTimeout")
        except requests.RequestException as error:
            fate = Fate.LATER if "NewConnectionError" in repr(error) else Fate.DOUBTFUL
            return Answer(fate, problem=type(error).__name__)
        return self._read(answer)

    def _read(self, answer: requests.Response) -> Answer:
        status = answer.status_code
        if status in _TAKEN:
            return Answer(Fate.TAKEN, _number(answer))
        if status in _LATER:
            return Answer(Fate.LATER, problem=f"http {status}")
        if status >= 500:
            return Answer(Fate.DOUBTFUL, problem=f"http {status}")
        return Answer(Fate.REFUSED, problem=f"http {status}")

    def taken(self, key: str) -> bool | None:
        """What the gateway says of this key; None when it has no way to ask, or gives no clear answer."""
        if not self.status_url:
            return None
        try:
            answer = requests.get(
                self.status_url,
                params={"key": key},
                headers=self._headers(key),
                timeout=SECONDS,
                allow_redirects=False,
            )
        except requests.RequestException:
            return None
        return {200: True, 404: False}.get(answer.status_code)


def _number(answer: requests.Response) -> str:
    """The gateway's own number of the message, if it gives one."""
    if len(answer.content) > LONGEST_ANSWER:
        return ""
    try:
        found: Any = answer.json()
    except ValueError:
        return ""
    return str(found.get("id", ""))[:100] if isinstance(found, dict) else ""
