"""Sending: approving an issue and bringing it to its audience, by hand or on schedule."""
