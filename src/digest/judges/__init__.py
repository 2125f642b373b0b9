"""Judges that run outside Python or online: none yet; they belong to the pre-flight to come."""
