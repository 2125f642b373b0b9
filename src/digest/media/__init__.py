"""Copies of pictures: made small (`shrinking`), kept under the name of their content (`folder`).

Nothing here fetches, and nothing knows what an issue is.
"""
