"""Links and their lifetimes, rate limits, API tokens, administrators' sign-in, who acted."""
