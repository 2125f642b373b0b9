"""The scheduler door: what wakes the work when nobody is there."""
