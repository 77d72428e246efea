"""Schedules tried and timed: each trial in a process that may die or hang, in the time there is."""
