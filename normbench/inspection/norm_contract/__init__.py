"""Measures which properties a norm layer has, whoever wrote it: invariances, what it averages, numbers, copies."""
