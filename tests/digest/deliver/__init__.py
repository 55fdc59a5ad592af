"""Tests of delivering."""
