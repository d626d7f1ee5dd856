"""The rule kinds: one function each. A new kind is a function here, an entry in both schemas and one in docs/rubrics.md."""

from __future__ import annotations

from collections.abc import Callable

from portal.ratings.rubric import counting, deducting, judging
from portal.ratings.rubric.outcomes import Case, Outcome

RULES: dict[str, Callable[[Case], Outcome]] = {
    "binary": judging.binary,
    "checklist": judging.checklist,
    "judged": judging.judged,
    "level_scale": judging.level_scale,
    "count_threshold": counting.count_threshold,
    "prorata": counting.prorata,
    "points_per_unit": counting.points_per_unit,
    "ratio_bands": counting.ratio_bands,
    "deduct_per_missing": deducting.deduct_per_missing,
    "deduct_per_unit": deducting.deduct_per_unit,
    "lookup_by_size": deducting.lookup_by_size,
    "quota_by_role": deducting.quota_by_role,
    "award_tiers": judging.award_tiers,
    "gate": judging.gate,
    "all_of": judging.all_of,
    "block_abc": judging.block_abc,
    "survey_mean": counting.survey_mean,
    "sample_check": counting.sample_check,
    "relative_cut_points": counting.relative_cut_points,
    "deadline": judging.deadline,
}
