"""Written answers, marked by people: collected, shown, marked in rounds, and compared.

`answers` is what there is to mark, `choices` what markers choose, `store` keeps it; `render` is how
answers are shown, and `server` the pages. Marks go into the gradebook in the transaction that keeps
the choice.
"""
