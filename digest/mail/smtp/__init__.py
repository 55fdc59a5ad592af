"""SMTP: sessions, pipelining, connection pool, fail-over, classification of replies."""
