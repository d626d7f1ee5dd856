"""People and how they sign in: one account, many dated appointments, one hat worn at a time.

A person signs in with account name or phone and password. The browser holds an opaque token in a signed cookie; the
database holds its hash. Each request reads session, person and appointments in one query.
"""
