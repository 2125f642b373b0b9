"""Composing: from an issue to the bytes of its message, with its pictures and its pre-flight checks."""
