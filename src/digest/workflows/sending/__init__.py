"""Approving an issue and sending it to its audience, by hand or on schedule."""
