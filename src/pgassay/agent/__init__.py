"""The agent: a database expert that plans with pgassay and proves its work. A face: no database logic."""
