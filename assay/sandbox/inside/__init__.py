"""Every file of assay's that enters a sandbox: standard library and NumPy only."""
