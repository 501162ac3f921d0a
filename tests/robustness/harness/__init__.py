"""The whole stack on this machine under load and under faults: PostgreSQL, Redis, gunicorn and nginx.

    python -m tests.robustness.harness load --seconds 60
    python -m tests.robustness.harness faults

Everything listens on loopback, on unix sockets, or in a network namespace that the harness makes and removes.
"""
