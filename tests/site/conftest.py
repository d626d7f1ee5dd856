"""The crowded town, built once per run, and those who knock at its doors."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from tests.site.actors import Player
from tests.site.matrix import Crowd, Knocker, build_crowd
from tests.support.built import built_once
from tests.support.putting_back import put_back


@pytest.fixture(scope="session")
def crowd_at_home(one_app: Flask, home: Path, shared: Path) -> Crowd:
    """The crowd beside the town, with its files."""

    def build(folder: Path) -> None:
        with one_app.app_context():
            put_back(home, home / "town.db")
            build_crowd(one_app, home, folder)

    shutil.copytree(built_once(shared, "crowd", build), home, dirs_exist_ok=True)
    return Crowd.at(home)


@pytest.fixture
def crowd(crowd_at_home: Crowd, app: Flask, home: Path) -> Crowd:
    """The town with a neighbour for everything, under the app."""
    put_back(home, crowd_at_home.file)
    return crowd_at_home


@pytest.fixture
def knocker(app: Flask, home: Path, crowd: Crowd) -> Callable[[Player], Knocker]:
    """``knocker(player)`` knocks as that player."""
    return lambda player: Knocker(app, home, crowd, player)
