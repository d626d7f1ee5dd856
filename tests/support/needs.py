"""A part of the machine that is missing: a failure in CI, a named skip at home."""

import os
from typing import NoReturn

import machine
import pytest


def in_ci() -> bool:
    """Whether this run may leave nothing out (CI=true)."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def missing(part: machine.Part) -> NoReturn:
    """End the test: failed in CI, skipped at home, in both cases with what to install."""
    line = f"{part.name} is missing: install {part.package}"
    if in_ci():
        pytest.fail(line, pytrace=False)
    pytest.skip(line)
