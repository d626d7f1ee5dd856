"""What the portal owes families about their data: consent, copies, erasure, retention, who read it, the yearly audit."""
