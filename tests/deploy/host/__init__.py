"""A Debian host with real systemd, network, firewall and certificate authority, for `make deploy-test`."""
