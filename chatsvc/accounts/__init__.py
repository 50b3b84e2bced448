"""Companies, people, sessions and passwords."""
