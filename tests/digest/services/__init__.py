"""Tests of the services, through their public doors."""
