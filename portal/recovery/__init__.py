"""Getting back into an account through the school: two people, a code on paper or by message, twenty-four hours.

Nobody learns a password, no question is asked that a neighbour could answer.
"""
