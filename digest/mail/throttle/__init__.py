"""How fast mail goes out: token buckets, rates by domain."""
