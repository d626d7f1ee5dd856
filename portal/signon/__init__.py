"""Single sign-on of a district (OpenID Connect): its provider, the way there and back, whom its answer names.

Nobody is ever made by signing on: a person the roster knows is recognised, or refused in words.
"""
