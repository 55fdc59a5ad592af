"""Subscribers, their profiles, thresholds, feedback and link requests; hashes of former addresses."""
