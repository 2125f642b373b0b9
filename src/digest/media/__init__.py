"""Copies of pictures: `shrinking` makes them small, `folder` stores them under a hash of their content.

Nothing here fetches, and nothing knows what an issue is.
"""
