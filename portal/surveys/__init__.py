"""Questionnaires that a district sends to the families of its schools: answered without a name, released once, in groups of ten."""
