"""Sockets: frames, peer, connection, broker and presence."""
