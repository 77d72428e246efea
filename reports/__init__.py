"""What a person looks at: pages, pictures, text for a terminal. Made of plain data; needs no TVM.

`formatting` is how things are written; `figures` draw; `views` work out what a part of a page or a
text shows; `text` and `pages` put that together. Each imports only what stands before it here.
"""
