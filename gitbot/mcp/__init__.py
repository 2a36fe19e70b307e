"""The tools of `gitbot mcp` for agents, over the Model Context Protocol: `server`, which needs the extra `mcp`."""
