"""Make the two sounds of the pages: a new message, and an offer to a representative. Our own, so that nobody has to ask whose they are.

    python scripts/make_chime.py

Two soft bells, each a few sine waves that fade; written as 8-bit mono at 16 kHz, about 10 KB each. Standard library only.
"""

import math
import wave
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "web" / "static" / "sounds"
RATE_HZ = 16_000
# Partials of a small bell: multiple of the tone, loudness.
PARTIALS = ((1.0, 0.62), (2.0, 0.22), (3.01, 0.1))
FADE_PER_S = 9.0

# Name -> notes as (start in seconds, tone in hertz).
CHIMES = {
    "message": ((0.0, 784.0), (0.09, 1047.0)),
    "offer": ((0.0, 659.0), (0.13, 880.0), (0.26, 1319.0)),
}
TAIL_S = 0.45


def sample_at(at_s: float, notes: tuple[tuple[float, float], ...]) -> float:
    """Return the loudness from -1 to 1 at a moment of the sound."""
    total = 0.0
    for start, tone in notes:
        age = at_s - start
        if age >= 0:
            attack = min(1.0, age / 0.006)
            ring = sum(gain * math.sin(2 * math.pi * tone * partial * age) for partial, gain in PARTIALS)
            total += attack * math.exp(-FADE_PER_S * age) * ring
    return max(-1.0, min(1.0, total * 0.6))


def main() -> None:
    """Write the sounds."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, notes in CHIMES.items():
        length = round((notes[-1][0] + TAIL_S) * RATE_HZ)
        with wave.open(str(FOLDER / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(1)
            file.setframerate(RATE_HZ)
            file.writeframes(bytes(round(127.5 + 127 * sample_at(index / RATE_HZ, notes)) for index in range(length)))


if __name__ == "__main__":
    main()
