"""A compile told as a story: its steps in order, and what became of each op in each of them.

`steps` are the passes one by one, `lineage` follows each op through them, `rows` says what an op is
at a step, in words; `story` has all three at hand and says what each step did;
`notes` adds what was measured and found out about it.
"""
