"""Values become text, JSON or TOML; every function gives a `str` or plain values and prints nothing.

terminal   text of strangers made fit for a terminal
check      what the check before the run found
integrate  what a run did
retry      the brief for an agent whose branch was set aside
status     the picture of all live branches
"""
