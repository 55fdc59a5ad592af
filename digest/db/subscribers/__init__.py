"""Subscribers, their profiles, thresholds and feedback; hashes of former addresses."""
