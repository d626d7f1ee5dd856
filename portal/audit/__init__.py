"""The trail looked at: anchors outside the operator's reach, checks that it is whole, pages and exports for who may see it.

Builds on trail (the entries, the chain, the proof), jobs, deliveries (the mail adapter), accounts and schools.
"""
