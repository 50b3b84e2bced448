"""The live phase of a ticket: join, accept, hand over, end, wrap up."""
