"""HTTP infrastructure: server limits, middleware, client address, rate limits, sessions, error pages."""
