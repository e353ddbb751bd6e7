"""How a rubric test says what is wrong: a reason, and apart from it a hint."""


class Wrong(AssertionError):
    """Say that an answer is wrong: the reason is what was found, the hint where to look.

    `mistake` is the known mistake that it looks like, in the words of the report. A hint given
    here replaces that of the test's `hint` marker.

    Examples
    --------
    >>> raise Wrong("the loss is -0.7, expected a positive number", hint="which sign has log(p)?")
    Traceback (most recent call last):
    assay.rubric.mistakes.Wrong: the loss is -0.7, expected a positive number
    """

    def __init__(self, reason: str, hint: str | None = None, mistake: str = "") -> None:
        super().__init__(reason)
        self.hint, self.mistake = hint, mistake


class KnownMistake(Wrong):
    """Say that an answer is wrong in a way that has a name; `found` is what was seen in this run.

    The mistake is the same sentence in every run, so that reports can count it. Numbers of one run
    belong into `found`.

    Examples
    --------
    >>> raise KnownMistake("the loss is a sum, not a mean", "69.3 for 100 rows")
    Traceback (most recent call last):
    assay.rubric.mistakes.KnownMistake: the loss is a sum, not a mean: 69.3 for 100 rows
    """

    def __init__(self, mistake: str, found: str = "", hint: str | None = None) -> None:
        super().__init__(f"{mistake}: {found}" if found else mistake, hint, mistake)


class ForReview(Exception):
    """Say that no program can judge this: a person looks at it, and sees why.

    Examples
    --------
    >>> raise ForReview("no weights of attention were seen: the formula has to be read")
    Traceback (most recent call last):
    assay.rubric.mistakes.ForReview: no weights of attention were seen: the formula has to be read
    """

    for_review = True
