"""Backups: the database and the media in an encrypted, deduplicated restic repository, and back again."""
