"""Take the picture of docs/review.md again: `python -m docs.review_picture`.

It needs what `.[review,test,browser]` installs. The class is one of the tests'.
"""

import shutil
import tempfile
from pathlib import Path

from docs.screenshots import LOOKS, chromium
from tests.browser.test_review import Served
from tests.review.classes import a_class
from tests.review.ports import free_port

HERE = Path(__file__).parent
EXAMPLE = HERE.parent / "reports" / "example"
ANSWER = """\
You know linear regression: a line with a slope $w$ and an intercept $b$ that misses its points
as little as possible.
Nobody sets the slope. The computer tries how far the line misses, and moves it a little:

$$w \\leftarrow w - \\eta \\frac{\\partial L}{\\partial w}$$

A network does the same with many such lines at once:

| model | accuracy |
|---|---|
| your regression line | 0.91 |
| the network | **0.93** |

```python
for step in range(1000):
    w -= rate * gradient(w)   # one small step downhill
```

So it learns *by itself* what the weights are, and nothing else: we choose the data and the goal.
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        texts = {(n, "boss"): [f"{ANSWER}\nThis is answer {n}."] for n in range(40)}
        room = a_class(Path(folder) / "class", people=40, texts=texts)
        for report in room.reports.iterdir():
            shutil.copy(EXAMPLE / "part1-loss.svg", report / "p-loss.svg")
        served = Served(room, free_port())
        page = browser.new_context(**LOOKS["desktop"]).new_page()
        page.goto(served.links["tom"])
        page.wait_for_selector("h1:has-text('What there is to mark')")
        page.goto(served.links["tom"].partition("/enter")[0] + "/q/1")
        page.wait_for_load_state("networkidle")
        for key in ("1", "2"):
            page.keyboard.press(key)
            page.wait_for_selector("#receipt.saved")
        page.wait_for_timeout(1000)
        page.screenshot(path=HERE / "pictures" / "review.png")
        served.stop()


if __name__ == "__main__":
    main()
