"""The parent school: courses, their sessions, household seats, sign-in of those present, the learning record."""
