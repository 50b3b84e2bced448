"""Makes forged copies of what the desk has signed."""


def forged(signed: str) -> str:
    """Return a signed text with one letter of its signature changed: not the last one, some of whose bits mean nothing."""
    letter = "B" if signed[-10] == "A" else "A"
    return f"{signed[:-10]}{letter}{signed[-9:]}"
