"""SIP, as far as it takes to bring two telephones together: signalling only, third-party call control (RFC 3261, RFC 3725)."""
