"""Agents at work, between the check of the plans and the landing of their branches.

briefs, excerpts  what each agent has to know
waiting           until an event, or a commit, is there, or a failure says that it will not come
placing           a branch and a work tree for an agent
running           commands side by side, each to its end
starting          the agents of a plan set under way
landing           a landing as the configuration has it
watching          the service that lands what is ready
tidying           work trees and branches that are proven landed
"""
