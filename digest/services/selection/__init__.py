"""Select each subscriber's papers: candidates, thresholds, and two back ends with the same results."""
