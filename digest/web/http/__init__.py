"""What every request passes: server limits, middleware, client address, rate limits, sessions, error pages."""
