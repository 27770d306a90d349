"""JSON to text: what a person sees. Values in, values out.

amounts   money, tokens, ages as words
page      what a page is made of: lines, headings, tables
status … explain   one answer each, as a page
plain     a page as text for a pipe: aligned, nothing cut off
fit       a page as wide as a terminal: what may be left out or shortened
coloured  a page in colours
terminal  a page that is drawn in place again and again, by rich
sheet, markdown   a report for other programs
"""
