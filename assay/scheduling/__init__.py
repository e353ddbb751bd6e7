"""Run jobs side by side, on this machine or on a cluster."""
