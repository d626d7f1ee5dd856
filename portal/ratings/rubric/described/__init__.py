"""Schemes written down as collections of real ones describe them (docs/rubrics.md), made into rubrics of our own form."""
