"""Peer groups are never small, never mix stages, and do not depend on the order of the schools."""

from hypothesis import given
from hypothesis import strategies as st

from portal.ratings.peers import Kind, groups, of

KINDS = st.builds(
    Kind,
    st.sampled_from([frozenset({"primary"}), frozenset({"junior"}), frozenset({"primary", "junior"})]),
    st.integers(20, 4_000),
    st.sampled_from(["", "urban", "rural"]),
)


@given(st.dictionaries(st.integers(1, 500), KINDS, max_size=120), st.integers(2, 12))
def test_groups_are_large_enough_and_of_one_stage(schools, least):
    found = groups(schools, least)

    members = [key for group in found for key in group.schools]
    assert len(members) == len(set(members))
    for group in found:
        assert len(group.schools) >= least
        assert {schools[key].stages for key in group.schools} == {group.stages}
        assert all(group.sizes[0] <= schools[key].size <= group.sizes[1] for key in group.schools)
        assert not group.place or {schools[key].place for key in group.schools} == {group.place}
    left = {key: kind for key, kind in schools.items() if key not in members}
    for stages in {kind.stages for kind in left.values()}:
        assert sum(kind.stages == stages for kind in left.values()) < least
    assert groups(dict(reversed(list(schools.items()))), least) == found


def test_sizes_stand_apart_where_there_are_enough_and_together_where_not():
    many = {key: Kind(frozenset({"primary"}), 100 if key < 10 else 1_000) for key in range(20)}
    few = {key: Kind(frozenset({"primary"}), 100 if key < 6 else 1_000) for key in range(12)}

    assert [len(group.schools) for group in groups(many)] == [10, 10]
    assert [len(group.schools) for group in groups(few)] == [12]
    assert of(3, groups(many)) != of(15, groups(many))
    assert groups({1: Kind(frozenset({"primary"}), 50)}) == []
    assert of(1, []) is None
