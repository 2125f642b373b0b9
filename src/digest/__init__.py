"""digest: one good mail a week with what is new on a blog."""

__version__ = "0.1.0"
