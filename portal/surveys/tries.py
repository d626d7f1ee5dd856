"""Wrong codes: a place in the network that tries many is asked to wait.

A code has 80 random bits, so nobody finds one by trying; the limit keeps whoever tries all the same from being a load. It is held
in the memory of a process for a quarter of an hour, and for wrong codes only: nothing of a request that answers is kept anywhere.
"""

import threading
import time

from portal.joining.admitting import place

MOST, WINDOW = 200, 900.0
"""Wrong codes of one place within so many seconds; the same as for passwords."""


class Tries:
    """How many wrong codes each place has sent in the present window, for all threads of a process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Begin a window."""
        self.ends = time.monotonic() + WINDOW
        self.wrong: dict[str, int] = {}

    def count(self, address: str | None) -> None:
        """Count a wrong code."""
        here = place(address)
        with self.lock:
            if time.monotonic() >= self.ends:
                self.forget()
            self.wrong[here] = self.wrong.get(here, 0) + 1

    def are_too_many(self, address: str | None) -> bool:
        """Whether the place has to wait."""
        return time.monotonic() < self.ends and self.wrong.get(place(address), 0) >= MOST


tries = Tries()
