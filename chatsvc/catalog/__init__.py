"""Products, teams, reasons and replies: the shipped defaults and an operator's own."""
