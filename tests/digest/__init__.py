"""Tests of the package, folder by folder."""
