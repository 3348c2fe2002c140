"""Pages about a run: records of what to say, a small SVG chart kit, and one self-contained HTML page.

Everything shown is hostile text until it has been escaped, cut and made visible. The page needs no network, no script
and no style attribute, and says so in its own content security policy.
"""
