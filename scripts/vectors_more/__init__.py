"""The parts of scripts/vectors-more."""
