"""The wires below reservations: one port, and the adapters that make two telephones ring."""
