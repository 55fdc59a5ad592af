"""Choosing each subscriber's papers: candidates, thresholds, and two back ends that give the same answers."""
