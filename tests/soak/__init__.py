"""Long experiments with real faults. `make soak` runs the full counts, `make test` the smallest that can fail."""
