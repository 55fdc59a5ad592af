"""Long tests with real faults. `make soak` runs them in full, `make test` in the smallest useful size."""
