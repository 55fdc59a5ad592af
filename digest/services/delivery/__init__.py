"""Sending: the delivery worker, what a mail needs, rendering, resending."""
