"""A pytest plugin that prints nothing while judging: judgement.json has every verdict."""


def pytest_report_teststatus() -> tuple[str, str, str]:
    """Print nothing for a verdict."""
    return "", "", ""
