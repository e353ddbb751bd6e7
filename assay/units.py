"""Units of size. A file and a message are measured in MB, what the kernel limits in MiB."""

MB = 1_000_000
MIB = 1 << 20
