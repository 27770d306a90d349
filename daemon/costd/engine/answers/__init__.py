"""Answers, one module for each kind of question: a view in, JSON-able values out."""
