"""The nouns that flow through every room: frozen values, ids that are not plain strings, unions for outcomes.

One file per family. Nothing here reads, writes or decides.
"""
