"""Reaching every family: who has never been reached, and details that families put right themselves.

The reach board of a class says for each guardian whether they ever signed in, have been silent for thirty days, or
stand under a wrong number, and which way to try next. A guardian asks for a change of a name, a number or what holds
between them and the child; the school decides field by field. Uses accounts and schools.
"""
