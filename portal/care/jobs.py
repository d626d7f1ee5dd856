"""What care does by itself: referrals that are past their day are emptied."""

from portal import clock
from portal.care.referring import expire
from portal.jobs.queue import every


@every(seconds=3600)
def empty_referrals() -> None:
    """Forget what partners read once the day has come; running it again changes nothing."""
    expire(clock.today())
