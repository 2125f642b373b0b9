"""digest: turns what is new on a blog into an email newsletter."""

__version__ = "0.1.0"
