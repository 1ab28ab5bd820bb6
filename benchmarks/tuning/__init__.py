"""``pgassay tune`` measured: application workloads beside an expert's DDL, and TPC-H."""
