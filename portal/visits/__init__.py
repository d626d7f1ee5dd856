"""Home visits (家访): who is due, invitations that the family answers, the record in three layers, the family's
confirmation, agreed steps that are followed up.

A visit is one contact with one household about one child. Its facts stand in ``visit``, what a teacher wrote in
``visit_part`` (one row per author), what only named readers may open in ``sealed_note``. Builds on schools and trail.
"""
