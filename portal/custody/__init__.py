"""Restrictions by court order: named by the office, approved by the principal, cut into every query, ended by date or word."""
