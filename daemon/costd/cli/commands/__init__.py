"""One module for each command; the table in ``costd.cli.table`` names them."""
