"""Notices: written for an audience that is a rule, opened and confirmed by guardians, counted without a row per recipient."""
