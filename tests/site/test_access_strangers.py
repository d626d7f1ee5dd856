"""The status contract: what is answered to strangers, to forged and tampered requests, to wrong verbs and odd addresses."""

import re

import pytest

from tests.site.actors import PLAYERS
from tests.site.matrix import ABSENT, cells, rules

TEACHER = next(player for player in PLAYERS if player.actor == "class_teacher")
GUARDIAN = next(player for player in PLAYERS if player.actor == "guardian")
OFFICE = next(player for player in PLAYERS if player.actor == "school_office")
STAFF = next(player for player in PLAYERS if player.actor == "district_staff")
VISITOR = next(player for player in PLAYERS if player.actor == "anonymous")

# What differs from one rendering to the next: tokens, keys of forms, nonces, and the address one asked for.
CHANGING = re.compile(r'(?<=value=")[^"]*(?=")|(?<=nonce=")[^"]*(?=")')


def bare(html: str) -> str:
    return CHANGING.sub("", html)


# AC-8: "not yours" and "not there" are the same answer.


@pytest.mark.parametrize("player", [GUARDIAN, TEACHER, OFFICE, STAFF], ids=lambda player: player.actor)
def test_what_is_not_ones_own_looks_as_if_it_were_not_there(app, crowd, knocker, player, record_property):
    knock = knocker(player)
    absent: dict[tuple[str, str], str] = {}
    pairs, different = 0, []
    for cell in sorted(cells(app, crowd, player), key=lambda cell: cell.relation != "absent"):
        if cell.method != "GET" or "{" in cell.path:
            continue
        response, _changed = knock.send(cell.method, cell.path, {})
        if response.status_code != 404:
            continue
        html = bare(response.get_data(as_text=True))
        if cell.relation == "absent":
            absent[cell.endpoint, cell.method] = html
        elif (cell.endpoint, cell.method) in absent:
            pairs += 1
            if html != absent[cell.endpoint, cell.method]:
                different.append(str(cell))

    record_property("pairs", pairs)
    assert not different, "\n".join(different)
    assert pairs > 10


def test_a_word_more_in_one_of_the_two_is_seen():
    assert bare('<p>没有这一页</p><input value="a">') == bare('<p>没有这一页</p><input value="b">')
    assert bare("<p>没有这一页</p>") != bare("<p>这不是您的</p>")


# 8.7: odd names in addresses.

ODD = [
    "0", "-1", "1.0", "1e9", "9223372036854775808", "0xff", "..%2F", "%2e%2e", "%00", "A" * 4096, ABSENT.lower(),
    "'; DROP TABLE pupil;--", "%F0%9F%8F%AB", "望溪", "%ff%fe", "{{7*7}}", "a b", "a;b", "AAAAAAAAAAAAAAAAAAAAAA/",
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_odd_names_in_addresses_are_not_found(app, crowd, knocker, odd):
    for player in (OFFICE, STAFF, GUARDIAN, TEACHER):
        knock = knocker(player)
        for rule, method in rules(app):
            if method == "GET" and rule.arguments:
                path = re.sub(r"<(?:int:)?\w+>", lambda _found: odd, rule.rule)
                response, changed = knock.send("GET", path, {})
                assert response.status_code in (400, 403, 404, 308), f"{path[:80]}: {response.status_code}"
                assert not changed
