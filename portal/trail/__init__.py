"""Who changed what, when: one row for each change that someone may have to account for."""
