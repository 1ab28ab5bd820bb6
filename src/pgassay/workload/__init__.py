"""The statements that an application sends."""

from pgassay.workload.model import Query, Workload
from pgassay.workload.read import read_file, read_measured, read_statistics, read_workload
from pgassay.workload.settle import settle

__all__ = ["Query", "Workload", "read_file", "read_measured", "read_statistics", "read_workload", "settle"]
