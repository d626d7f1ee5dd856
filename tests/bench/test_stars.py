"""The simulation behind the defaults: its small table is what docs/simulation.md says, and it can tell good from bad."""

from dataclasses import replace

import pytest

from bench.stars.__main__ import DOCUMENT, SMALL_COUNT, SMALL_SEED, TABLES, between, put
from bench.stars.judging import Share, by_quota, difference, verdict
from bench.stars.observing import Noise
from bench.stars.rating import Rated, Rules, World, rubric_for
from bench.stars.schools import generated
from bench.stars.tables import small
from portal.ratings.rubric import load


def test_the_small_table_stands_in_the_document():
    text = DOCUMENT.read_text("utf-8")

    assert between("small").findall(text) == [small(SMALL_COUNT, SMALL_SEED)]
    assert all(between(name).search(text) for name in (*TABLES, "sensitivity"))


def test_a_document_without_a_place_for_a_table_is_refused():
    with pytest.raises(ValueError, match="no place"):
        put("# Nothing", "schemes", "| a |")


def test_the_safeguards_of_the_simulation_are_the_defaults_of_the_portal():
    """The tables speak of the portal as it is: its default rubric, unchanged, is what the variant "all safeguards" uses."""
    ours = rubric_for(Rules())
    default = load((DOCUMENT.parents[1] / "portal/ratings/rubric/examples/default.yaml").read_bytes())
    f1, c4 = (next(item for item in default.rated() if item.id == name) for name in ("F1", "C4"))

    assert [item.settings for item in ours.rated()] == [item.settings for item in default.rated()]
    assert ours.settings["result"] == default.settings["result"]
    assert (f1.rule["shrink_k"], c4.rule["sample"]["at_least"]) == (Rules().shrink_k, Rules().sample_least)


def test_without_noise_and_cheating_every_star_is_right():
    """The control of the whole: what is measured are errors of the eye, not of the simulation."""
    sharp = Noise(certainty=9, spread=0, leniency=0, written_down=1, response_bias=0)
    schools = [replace(school, strategy="") for school in generated(12, 3)]
    whole = [
        replace(school, truth=school.truth | {"C4": {"numerator": 9, "denominator": 9}}) for school in schools
    ]
    world = World(whole, sharp)
    rules = Rules(minimum_n=1, minimum_rate=0, flags=False, veto=False, shrink_k=0)

    true, got = world.true_stars(rules), world.stars(rules)

    assert verdict(whole, true, got).within_one.part == len(whole)
    assert sum(a.star == b.star for a, b in zip(true, got, strict=True)) >= len(whole) - 1


def test_blind_eyes_are_found_out():
    schools = [replace(school, strategy="") for school in generated(12, 3)]
    blind = World(schools, Noise(certainty=0, spread=3))

    found = verdict(schools, blind.true_stars(Rules()), blind.stars(Rules()))

    assert found.exact.percent < 70


def test_shares_and_differences_have_their_intervals():
    assert str(Share(0, 200)) == "0.0 (0.0–1.9)"
    assert str(Share(50, 100)) == "50.0 (40.4–59.6)"
    assert difference([True] * 10, [True] * 10).points == 0
    assert difference([True] * 8 + [False] * 2, [False] * 10).points == 80


def test_quotas_count_places_within_a_district():
    schools = list(generated(25, 1))

    stars = [one.star for one in by_quota(schools, [Rated(0, number).total for number in range(25)])]

    assert stars.count(5) in (2, 3)
    assert stars[24] == 5
    assert stars[0] == 1
