"""Where every branch is, and who will conflict with whom: read-only, from the same values that integrate uses."""
