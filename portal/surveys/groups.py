"""Which groups may be shown, so that nobody can work out a small one from what is shown (SECURITY 5.7).

A district holds groups of like schools, these hold schools, a school grades, a grade classes. A group is shown when at least
ten answered the question in it and the group above it is shown. What then stays hidden below a shown group is either nothing
or at least two groups with at least ten people together; otherwise the smallest shown one is hidden as well. Each question is
decided for itself, and nothing is published that mixes questions but what everybody can work out from the published ones.
"""

from collections.abc import Hashable, Iterable, Mapping
from fractions import Fraction
from typing import TypeVar

LEAST = 10
LEAST_HIDDEN_GROUPS = 2
Name = TypeVar("Name", bound=Hashable)


def shown(sizes: Mapping[Name, int], *, complement: bool = True) -> set[Name]:
    """Of the groups below one shown group, by how many answered: those that may be shown.

    ``complement=False`` leaves out the second half of the rule; only a test asks for that.
    """
    kept = {name: size for name, size in sizes.items() if size >= LEAST}
    hidden = [size for size in sizes.values() if 0 < size < LEAST]
    while complement and hidden and kept and (len(hidden) < LEAST_HIDDEN_GROUPS or sum(hidden) < LEAST):
        smallest = min(kept, key=lambda name: (kept[name], str(name)))
        hidden.append(kept.pop(smallest))
    return set(kept)


def determined(
    leaves: Mapping[Name, int], published: Iterable[frozenset[Name]], asked: Iterable[frozenset[Name]] = ()
) -> set[Name | frozenset[Name]]:
    """The small groups whose sum follows from the published sums: the linear system of everything published, solved.

    Every published group is an equation over its leaves. A leaf, or one of the groups ``asked`` about, with fewer than ten
    answers is found out when its own vector lies in the space of the equations. Exact arithmetic; it knows nothing of how the
    groups were chosen.
    """
    rows: list[dict[Name, Fraction]] = []
    pivots: dict[Name, dict[Name, Fraction]] = {}
    for group in published:
        row = _reduced({leaf: Fraction(1) for leaf in group if leaves[leaf]}, pivots)
        if not row:
            continue
        pivot = min(row, key=str)
        row = {leaf: value / row[pivot] for leaf, value in row.items()}
        for other in rows:
            if pivot in other:
                _subtract(other, row, other[pivot])
        pivots[pivot] = row
        rows.append(row)
    found: set[Name | frozenset[Name]] = {
        leaf
        for leaf, size in leaves.items()
        if 0 < size < LEAST and not _reduced({leaf: Fraction(1)}, pivots)
    }
    for group in asked:
        vector = {leaf: Fraction(1) for leaf in group if leaves[leaf]}
        if 0 < sum(leaves[leaf] for leaf in group) < LEAST and not _reduced(vector, pivots):
            found.add(group)
    return found


def _reduced(row: dict[Name, Fraction], pivots: Mapping[Name, dict[Name, Fraction]]) -> dict[Name, Fraction]:
    for leaf in [leaf for leaf in row if leaf in pivots]:
        if leaf in row:
            _subtract(row, pivots[leaf], row[leaf])
    return row


def _subtract(row: dict[Name, Fraction], other: Mapping[Name, Fraction], times: Fraction) -> None:
    for leaf, value in other.items():
        left = row.get(leaf, Fraction(0)) - times * value
        if left:
            row[leaf] = left
        else:
            row.pop(leaf, None)
