"""Every Redis key of Holdline, and nothing else."""
