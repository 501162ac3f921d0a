"""The audit trail: who did what when, over rows and users, searched, exported and expired."""
