"""Text: folding, tokens, TeX. Pure."""
