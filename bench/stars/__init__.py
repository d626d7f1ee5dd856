"""Simulation as proof: schools whose true quality is known are rated by the portal's own engine, with and without each
safeguard. What is assumed, and what came out, stands in docs/simulation.md."""
