"""What makes a coding agent use pgassay: the entry of the MCP server, a subagent, a skill, and hints in AGENTS.md."""
