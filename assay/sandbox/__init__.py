"""Separate a kernel from this machine: namespaces, cgroups, privileges, a working folder."""
