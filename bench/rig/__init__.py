"""The parts of ``bench/run.py``: prepare the servers, start them, load them, and write down what was seen."""
