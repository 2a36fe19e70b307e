"""gitbot: checks the plans of parallel coding agents, and lands their branches so that main is never red.

The rooms and their order are in docs/architecture.md; the command line is `gitbot.cli`.
"""

__version__ = "0.1.0"
