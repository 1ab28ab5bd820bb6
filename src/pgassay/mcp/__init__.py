"""The MCP server: pgassay's verbs as tools for coding agents.

A face without database logic: a call becomes a job, a job runs in a process of its own (``worker``), and what comes
back is marked, capped and kept for ``details``. Ending that process is how a call is cancelled.
"""
