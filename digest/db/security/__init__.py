"""Administrators' logins and tokens, the audit, counters of rate limits."""
