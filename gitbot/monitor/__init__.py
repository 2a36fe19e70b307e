"""Where every branch is, and who will conflict with whom: read-only, from the same values that integrate uses.

look          the whole picture as a document, for text, page and programs
status        one line per branch, and trial merges of all branches whose files meet
clashes       where the two of a pair wrote in one place, by the hunks of their diffs
standing      how far an agent is, by its plan and by what it says
edits         what is uncommitted in the work trees
remembered    what status found, until something is another
graph         on which commit or branch each branch stands
tips          what the gate says of each branch by itself
surroundings  what the repository adds to plans before anything runs
health        what of git, gate, hooks and records works, and what needs attention
"""
