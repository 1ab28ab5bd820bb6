"""The statements that an application sends."""

from pgassay.workload.read import read_file, read_statistics

__all__ = ["read_file", "read_statistics"]
