"""The outbox: one .eml file per message, for trying things out."""
