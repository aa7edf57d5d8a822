"""The entities' database: engine, sessions, column types and the base of every repository."""
