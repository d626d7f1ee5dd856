"""Messages that leave the portal: an outbox written with the change that caused them, channels, what became of each.

Texts are fixed per kind and stand in the catalogues. Recipient and values are sealed, and gone after thirty days.
"""
