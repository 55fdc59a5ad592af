"""Limits on how fast mail is sent: token buckets and rates by domain."""
