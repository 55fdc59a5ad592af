"""Tests of digest/deliver, through its public doors."""
