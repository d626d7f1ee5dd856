"""Opinions of families (阳光服务): sent to the school, acknowledged and answered before a clock runs out, rated, reopened once."""
