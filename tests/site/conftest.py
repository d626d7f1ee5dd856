"""The crowded town, built once per worker, and those who knock at its doors."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.site.actors import Player
from tests.site.matrix import Crowd, Knocker, build_crowd
from tests.support.putting_back import put_back

_kept: dict[str, Crowd] = {}


@pytest.fixture
def crowd(app: Flask, home: Path) -> Iterator[Crowd]:
    """The town with a neighbour for everything, under the app."""
    if str(home) not in _kept:
        _kept[str(home)] = build_crowd(app, home)
    put_back(home, _kept[str(home)].file)
    yield _kept[str(home)]


@pytest.fixture
def knocker(app: Flask, home: Path, crowd: Crowd) -> Callable[[Player], Knocker]:
    """``knocker(player)`` knocks as that player."""
    return lambda player: Knocker(app, home, crowd, player)
