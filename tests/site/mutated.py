"""``pytest -p tests.site.mutated`` with mutants in MUTANTS, one a line: every test once on the map with each mistake."""

import os
from collections.abc import Iterator

import pytest
from flask import Flask

from tests.site.mutants import id_of, mutants


@pytest.fixture(autouse=True, params=os.environ["MUTANTS"].splitlines(), ids=id_of)
def mutated(one_app: Flask, request: pytest.FixtureRequest) -> Iterator[None]:
    """The mistake is there while a test runs."""
    [mutant] = [one for one in mutants() if str(one) == request.param]
    with mutant.applied():
        yield
