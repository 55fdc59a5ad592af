"""SMTP: sessions, pipelining, connection pool, fail-over, and whose fault a refusal is."""
