"""Drafting: planning an issue, marking articles, editing the draft."""
