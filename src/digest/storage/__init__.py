"""The database: SQLAlchemy Core on SQLite or PostgreSQL, one file per family of tables.

Frozen values of `digest.model` come out; nothing of SQLAlchemy leaves this room.
Every function takes an open connection, so that a workflow can put several of
them into one transaction.
"""
