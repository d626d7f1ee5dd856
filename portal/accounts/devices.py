"""Devices from which people sign in, named as a person would name them."""

from portal.i18n import gettext as _
from portal.i18n import no_op

DEVICES = (
    ("MicroMessenger", no_op("WeChat")),
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


def device_name(agent: str) -> str:
    """What a browser calls itself, as a person would: 微信 · Android; empty when it tells nothing known."""
    program = next((name for mark, name in DEVICES if mark in agent), "")
    system = next((name for mark, name in SYSTEMS if mark in agent), "")
    return " · ".join(part for part in (_(program) if program else "", system) if part)
