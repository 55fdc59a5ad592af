"""Tests of the package, mirroring it."""
