"""Crates: put together, verify, repeat and compare what a result rests on."""
