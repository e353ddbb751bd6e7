"""Written answers, marked by people: collected, shown, marked in rounds, and compared.

`store` holds what markers chose, `answers` what there is to mark, `render` how it is shown, and
`server` the pages. Marks go into the gradebook in the transaction that keeps the choice.
"""
