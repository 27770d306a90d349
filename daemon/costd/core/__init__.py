"""Values in, values out: no files, no sockets, no clocks."""
