"""Tests of workers, through its public doors."""
