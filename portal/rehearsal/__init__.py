"""The rehearsal district: invented people of an invented county, for training, demonstration and tests."""
