"""Sealed fields: what tells of families stands encrypted in the database, its keys outside.

A master key (a file apart from the database) opens the field keys (one per branch and generation, wrapped, in the
database); a field key opens fields. So the database file, its backup or a dump alone show none of them.
"""
