"""A pytest plugin for judges that nobody looks at: judgement.json has every verdict."""


def pytest_report_teststatus() -> tuple[str, str, str]:
    """Print nothing for a verdict."""
    return "", "", ""
