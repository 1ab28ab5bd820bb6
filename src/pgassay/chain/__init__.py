"""Contracts and subgraphs in, a PostgreSQL schema out."""
