"""Graphs and charts as SVG."""
