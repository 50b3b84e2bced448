"""Engine, unit of work, outbox and migrations: the only way to the database."""
