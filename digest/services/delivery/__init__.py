"""Sending: the delivery worker, composing messages, resending."""
