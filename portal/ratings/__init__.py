"""Star ratings of schools: rubrics, rounds of rating, and the stars that come out of them."""
