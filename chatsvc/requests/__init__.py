"""Requests by form: what was typed and not sent yet, which services a company has, and the form's answers beside the ticket."""
