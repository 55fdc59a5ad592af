"""Tests of digest, through its public doors."""
