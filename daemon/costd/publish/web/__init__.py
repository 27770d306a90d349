"""The web page: templates, pictures and what a browser needs, all from this folder."""
