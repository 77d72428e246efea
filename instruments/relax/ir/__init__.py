"""The IR of this dialect: op tables, parts of modules, their text."""
