"""The database: SQLAlchemy Core on SQLite or PostgreSQL, one file per family of tables.

Functions return frozen values of `digest.model`; nothing of SQLAlchemy leaves this
package.  Every function takes an open connection, so that a workflow can combine
several of them in one transaction.
"""
