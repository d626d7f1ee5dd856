"""Files people bring: taken in by decoding, kept sealed, served only to whom their owner may show them."""
