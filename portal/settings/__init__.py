"""What a district or a school sets for itself: typed values with the day from which they hold and the document they rest on.

Declare a setting in the feature that reads it (``RANGE = Setting("courses.places", Number(1, 500), 60, …)``) and read it
with ``RANGE.on(day, school_id=…)``. The pages that change it come by themselves.
"""

from portal.settings.declaring import Choice, Choices, Hours, Line, Lines, Number, Setting, Switch, value

__all__ = ["Choice", "Choices", "Hours", "Line", "Lines", "Number", "Setting", "Switch", "value"]
