"""Tests of workers, through their public interface."""
