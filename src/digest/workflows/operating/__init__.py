"""Operating: editor accounts, API tokens, and the health of an installation."""
