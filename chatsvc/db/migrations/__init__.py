"""Migrations: one linear history, run by ``chatsvc.db.migrate``."""
