"""Who changed what and who read what, when: an append-only, hash-chained log.

``note`` (in ``models``) records a change in the change's own transaction; ``opened`` (in ``reads``) records that a
sensitive record was read, before the page with it goes out.
"""
