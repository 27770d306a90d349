from __future__ import annotations

from costd.config.lines import key_lines, line_of


def test_lines_of_keys_in_every_form_of_toml() -> None:
    text = '''# [not.a.table]
top = 1
long = """
[engine]
x = 1
"""
list = [
  1, # ]
  2]
[a."b.c"] # comment
d.e = { f = 1 }

[[rows]]
x = 1
[[rows]]
y = 1
'''
    lines = key_lines(text)
    assert lines["top",] == 2
    assert lines["long",] == 3
    assert ("engine",) not in lines
    assert lines["list",] == 7
    assert lines["a", "b.c"] == 10
    assert lines["a", "b.c", "d", "e", "f"] == 11
    assert lines["rows", 0, "x"] == 14
    assert lines["rows", 1, "y"] == 16
    assert line_of(("list", 1), lines) == 7
    assert line_of(("a",), lines) == 10
    assert line_of(("nothing",), lines) is None
