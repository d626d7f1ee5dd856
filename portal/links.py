"""Addresses people bring along: only those of the portal itself are followed."""

import re

_LOCAL = re.compile(r"/(?![/\\])[^\x00-\x1f\x7f\\]*")


def local(address: str | None, otherwise: str) -> str:
    """``address`` if it is a path of this site, else ``otherwise``. Other hosts, schemes and line ends are refused."""
    if address and len(address) <= 2000 and _LOCAL.fullmatch(address):
        return address
    return otherwise
