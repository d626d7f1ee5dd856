"""Who holds which office and for how long, the hand-over between school years, pupils who change school, and what
districts and schools set for themselves."""
