"""Twenty-one notebooks in the habits of real ones, as lists of code cells.

Two kernels are to say the same of each cell, so a cell asks for nothing that is drawn anew.
"""

# ruff: noqa: E501 - a cell is easier to read in one line

PLOTS = [
    "import numpy as np\nimport matplotlib.pyplot as plt",
    "x = np.linspace(0, 6, 50)\nplt.plot(x, np.sin(x))",
    "plt.plot(x, np.cos(x))\nplt.title('cosine')\nplt.show()",
    "fig, ax = plt.subplots()\nax.bar([1, 2], [3, 4])\nfig",
    "plt.plot([1])\nplt.figure()\nplt.plot([2]);",
    "for k in range(2):\n    plt.plot(x, x ** k)\n    plt.show()\nprint('done')",
    "fig, axes = plt.subplots(1, 2, figsize=(6, 2))\naxes[0].imshow(np.eye(3)); axes[1].hist(x)\n"
    "plt.tight_layout()",
]
INLINE = [
    "%matplotlib inline\nimport matplotlib.pyplot as plt",
    "plt.plot([3, 1, 2]);",
    "%config InlineBackend.figure_format = 'svg'\nplt.rcParams['svg.hashsalt'] = 'x'",
    "%config InlineBackend.print_figure_kwargs = {'metadata': {'Date': None}}",
    "plt.plot([1, 2])\nplt.gcf().get_size_inches()",
    "%config InlineBackend.print_figure_kwargs = {}",
    "%config InlineBackend.figure_formats = ['png', 'jpeg']",
    "plt.plot([2, 1])\nNone",
    "plt.ioff()\nfig = plt.figure(); fig.gca().plot([1, 2])\nplt.isinteractive()",
    "plt.ion()\nfig = plt.figure(); fig.gca().plot([1, 2])\nplt.isinteractive()",
    "%matplotlib --list",
]
LOOKS = [
    "import matplotlib, matplotlib.pyplot as plt",
    "print(matplotlib.get_backend(), matplotlib.is_interactive())\n"
    "print({k: v for k, v in matplotlib.rcParams.items() if 'date' not in k})",
    "plt.style.use('ggplot')\nplt.rcParams['figure.figsize'] = (3, 2)\nplt.plot([1, 2]);",
    "with plt.style.context('dark_background'):\n    plt.plot([1, 2]); plt.show()",
    "from matplotlib import font_manager\n"
    "print(len(font_manager.fontManager.ttflist), font_manager.findfont('DejaVu Sans'))",
    "print(matplotlib.get_configdir(), matplotlib.get_cachedir(), matplotlib.matplotlib_fname())",
    "plt.rcdefaults(); plt.plot([1, 2]); plt.savefig('a.png')\nimport os; os.listdir('.')",
    "matplotlib.use('agg')\nplt.plot([1, 2]); plt.show()\nmatplotlib.get_backend()",
    "import matplotlib.animation, matplotlib.widgets, matplotlib.cm as cm\ncm.viridis",
]
WINDOWS = (
    "%matplotlib qt\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])",
    "plt.plot([2, 1]); plt.show()",
    "%matplotlib widget\nplt.plot([1, 3])",
    "import matplotlib\nmatplotlib.use('TkAgg')\nplt.figure(); plt.plot([1, 4]); plt.show()",
    "plt.switch_backend('QtAgg')\nfig, ax = plt.subplots()\nax.plot([1, 5])",
    "%gui qt",
    "%matplotlib notebook\nplt.plot([1, 6])",
)
TABLES = [
    "import numpy as np\nimport pandas as pd",
    "frame = pd.DataFrame({'a': [1, 2], 'b': [0.5, None], 'c': ['x', 'y']})\nframe",
    "display(frame.describe(), frame.T)\nframe.info()",
    "pd.set_option('display.precision', 2, 'display.max_rows', 4)\n"
    "pd.DataFrame(np.arange(40).reshape(20, 2) / 3)",
    "frame.style.highlight_max(subset=['a'])._repr_html_()[:20]",
    "frame.groupby('c')['a'].sum()",
    "frame['a'][0] = 5\nframe",
    "frame.plot()\n",
    "frame.loc[7]",
]
SCIENCE = [
    "import warnings\nwarnings.filterwarnings('ignore')",
    "import numpy as np, scipy, sklearn\nfrom sklearn.linear_model import LogisticRegression\n"
    "from sklearn.datasets import load_iris",
    "X, y = load_iris(return_X_y=True)\nmodel = LogisticRegression(max_iter=3).fit(X, y)\nmodel",
    "print(model.score(X, y))\nprint(sorted(str(f) for f in warnings.filters))",
    "warnings.resetwarnings()\nLogisticRegression(max_iter=2).fit(X, y).score(X, y)",
    "LogisticRegression(max_iter=2).fit(X, y);",
    "np.array([1.0]) / 0\nnp.set_printoptions(precision=2)\nnp.array([1 / 3])",
    "print(np.get_printoptions(), np.geterr(), np.random.get_state()[0])",
    "from scipy import stats\nstats.norm(0, 1).cdf(1)",
]
TORCH = [
    "import torch, torch.nn as nn",
    "torch.manual_seed(0)\nmodel = nn.Sequential(nn.Linear(2, 3), nn.ReLU())\nmodel",
    "print(torch.get_num_threads(), torch.is_grad_enabled(), torch.get_default_dtype())\n"
    "model(torch.ones(1, 2))",
    "from torch.utils.data import DataLoader, TensorDataset\n"
    "data = TensorDataset(torch.arange(6.0))\n"
    "print([batch[0].tolist() for batch in DataLoader(data, batch_size=2, num_workers=2)])",
    "torch.ones(2) @ torch.ones(3)",
    "loss = model(torch.ones(1, 2)).sum(); loss.backward()\nmodel[0].weight.grad",
    "torch.nn.functional.softmax(torch.ones(2))",
    "torch.tensor(torch.ones(2))",
]
WARNINGS = [
    "import warnings, logging, sys",
    "def old():\n    warnings.warn('old', stacklevel=2)\nold()\nold()",
    "for k in range(3):\n    warnings.warn('in a loop')",
    "warnings.warn('depr', DeprecationWarning)\nwarnings.warn('fut', FutureWarning)",
    "import numpy as np\nnp.log(0), np.float64(0) / 0",
    "for f in warnings.filters: print(f)",
    "logging.warning('w'); logging.info('i')",
    "logging.basicConfig(level=logging.INFO); logging.info('now')\nlogging.root.handlers",
    "log = logging.getLogger('mine'); log.error('e'); print(logging.root.level, log.handlers)",
    "with warnings.catch_warnings(record=True) as seen:\n    warnings.simplefilter('always')\n"
    "    old()\nprint(len(seen))",
    "eval('1 is 1')",
    "import ast, imp_missing",
]
STREAMS = [
    "import os, sys, subprocess",
    "print('out'); print('err', file=sys.stderr); print('out again')",
    "import time\nended = os.system('echo from a shell')\ntime.sleep(0.5)\nended",
    "subprocess.run(['echo', 'from a child'])",
    "import time\nwritten = os.write(1, b'raw\\n')\ntime.sleep(0.5)\nwritten",
    "written = os.write(2, b'raw error\\n')\ntime.sleep(0.5)\nwritten",
    "sys.stdout.write('no end of line')",
    "print(sys.stdout.encoding, sys.stdout.isatty(), sys.stdin.isatty(), sys.__stdout__.encoding)",
    "sys.__stdout__.write('beside\\n'); sys.__stdout__.flush()",
    "print('\\u00e4 \\u2713 \\U0001f600')\nopen('u.txt', 'w').write('\\u00e4')",
    "open('u.txt').read(), open('u.txt').encoding, sys.flags.utf8_mode",
    "print('a', end='\\r'); print('b')",
    "input('name? ')",
    "sys.stdin.read()",
    "sys.exit",
]
SHELL = [
    "!echo hello && echo $0",
    "files = !echo a b\nfiles",
    "%%bash\necho from bash\nexit 3",
    "%%sh\npwd",
    "!false\n_exit_code",
    "!python -c 'import sys; print(sys.flags.isolated, sys.path[0])'",
    "%%writefile note.txt\nwritten",
    "%cat note.txt",
    "%%script python\nprint(6 * 7)",
    "%ls *.txt",
    "%cd ..\n%pwd",
    "!env | sort",
]
MAGICS = [
    "%%capture got\nprint('hidden')\n5",
    "got.stdout, got.show()",
    "%%time\nk = 1",
    "%timeit -n 1 -r 1 pass",
    "%who_ls int",
    "%env ANSWER=42\n%env ANSWER",
    "%precision 3\n1 / 3",
    "%pprint",
    "%load_ext autoreload\n%autoreload 2",
    "%magic_that_is_not",
    "%%latex\n$x$",
    "%%html\n<b>x</b>",
    "%%javascript\n1",
    "%lsmagic",
    "%alias_magic t time",
    "%xmode Minimal\n1 / 0",
    "?len",
    "%history -n 1-2",
    "%reset_selective -f k",
    "%prun -q pass",
    "%whos",
    "%%prun -q\npass",
    "%load_ext storemagic",
    "%debug",
    "%pdb",
    "%quickref_",
    "%doctest_mode",
    "%notebook",
    "%conda --version_",
    "%config",
    "%sx echo x",
    "%dhist",
]
SHOWN = [
    "class Cake:\n    def _repr_html_(self):\n        return '<b>cake</b>'\nCake()",
    "class Both:\n    def _repr_png_(self):\n        return b'png'\n"
    "    def __repr__(self):\n        return 'both'\nBoth()",
    "from IPython.display import HTML, Image, JSON, Latex, Markdown, SVG, display",
    "display(Markdown('**m**'), Latex('$x$'), JSON({'a': 1}), HTML('<i>h</i>'))\n"
    "SVG('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')",
    "handle = display('first', display_id='d')\nhandle.update('second')",
    "from IPython.display import clear_output\nprint('gone'); clear_output(); print('kept')",
    "get_ipython().display_formatter.formatters['text/html'].for_type(int, lambda n: f'<u>{n}</u>')\n7",
    "import sys\nbefore = sys.displayhook\nsys.displayhook = lambda v: print('hook', v)\n8",
    "sys.displayhook = before\n9",
    "get_ipython().ast_node_interactivity = 'all'\n1\n2",
    "{'a': list(range(40)), 'b': 'x' * 100}",
    "class Broken:\n    def __repr__(self):\n        raise ValueError('no')\nBroken()",
    "import fractions, decimal\n[fractions.Fraction(1, 3), decimal.Decimal('1.0'), 1e-20, {3, 1, 2}]",
    "import sympy\nsympy.init_printing()\nsympy.Symbol('x') ** 2",
    "import numpy as np, pandas as pd\nnp.float64(1) / 3, np.float32(0.1), np.eye(2), np.array('x')",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])",
]
HISTORY = [
    "1 + 1",
    "_ + 1, __, _1",
    "In[1], Out[1], len(In), sorted(Out)",
    "_i, _ii[:5], _dh and 1",
    "get_ipython().execution_count, type(get_ipython()).__name__",
    "__name__, __doc__, '__file__' in globals(), __builtins__.__name__",
    "sorted(globals())",
    "import sys\nsys.modules['__main__'].__dict__ is globals(), __import__('__main__').__name__",
    "exit, quit, open",
    "import builtins; sorted(vars(builtins))",
    "sys.argv[0].rpartition('/')[2], sys.argv[1], len(sys.argv), sys.orig_argv[1:3]",
    "import argparse\np = argparse.ArgumentParser(prog='p'); p.add_argument('--x', default=1)\n"
    "p.parse_args()",
    "sys.path, sys.meta_path.__len__(), sys.path_hooks.__len__()",
    "import os\nos.getcwd(), sorted(os.environ.items())",
]
ERRORS = [
    "def f(x):\n    return 1 / x\nf(0)",
    "try:\n    {}['k']\nexcept KeyError as error:\n    raise ValueError('outer') from error",
    "int('x')",
    "if True:\nprint('x')",
    "undefined_name",
    "def g():\n    return g()\ng()",
    "raise KeyboardInterrupt",
    "raise ExceptionGroup('many', [ValueError(1), TypeError(2)])",
    "assert 1 == 2, 'unequal'",
    "import traceback\ntry:\n    f(0)\nexcept Exception:\n    traceback.print_exc()",
    "open('absent.txt')",
    "import no_such_package",
    "class E(Exception):\n    def __str__(self):\n        return 'mine'\nraise E",
    "'a' + 1",
]
ASYNC = [
    "import asyncio",
    "await asyncio.sleep(0, 'awaited')",
    "async def later(n):\n    await asyncio.sleep(0.01)\n    print('task', n)\n    return n\n"
    "await asyncio.gather(*map(later, range(3)))",
    "task = asyncio.create_task(later(9))",
    "await task",
    "asyncio.run(later(1))",
    "asyncio.get_event_loop().is_running(), type(asyncio.get_event_loop()).__name__",
    "async for x in later(1): pass",
    "loop = asyncio.get_running_loop()\nawait loop.run_in_executor(None, lambda: 5)",
]
THREADS = [
    "import threading, queue, atexit, signal, gc, sys, time",
    "def talk(): print('from a thread')\nt = threading.Thread(target=talk); t.start(); t.join()",
    "t = threading.Thread(target=lambda: 1 / 0); t.start(); t.join()",
    "from concurrent.futures import ThreadPoolExecutor\n"
    "with ThreadPoolExecutor(2) as pool: print(list(pool.map(abs, [-1, 2])))",
    "atexit.register(print, 'at the end')\nNone",
    "[(s.name, str(signal.getsignal(s)).split(' at ')[0]) for s in sorted(signal.valid_signals()) "
    "if isinstance(s, signal.Signals)]",
    "gc.isenabled(), gc.get_threshold(), gc.callbacks",
    "sys.gettrace(), sys.getprofile(), sys.getswitchinterval(), sys.excepthook.__name__",
    "threading.main_thread().name, threading.current_thread().name",
    "sorted(t.name.rstrip('0123456789') for t in threading.enumerate())",
    "import resource\n[resource.getrlimit(getattr(resource, n)) for n in dir(resource) "
    "if n.startswith('RLIMIT')]",
    "import faulthandler; faulthandler.is_enabled(), faulthandler.dump_traceback_later",
    "import time, os; time.tzname, os.nice(0), os.umask(0o77), os.getpgrp() == os.getpid()",
]
PROCESSES = [
    "import multiprocessing as mp, os",
    "mp.get_start_method(), mp.current_process().name, mp.parent_process()",
    "def child(q): q.put(('child', os.getcwd()))",
    "q = mp.get_context('fork').Queue()\np = mp.get_context('fork').Process(target=child, args=(q,))\n"
    "p.start(); print(q.get()); p.join(); p.exitcode",
    "with mp.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, -2]))",
    "with mp.get_context('spawn').Pool(1) as pool:\n    print(pool.apply(os.getcwd), "
    "pool.apply(os.getenv, ('HOME',)))",
    "from concurrent.futures import ProcessPoolExecutor\n"
    "with ProcessPoolExecutor(1, mp_context=mp.get_context('fork')) as pool:\n"
    "    print(pool.submit(pow, 2, 5).result())",
    "p = mp.get_context('fork').Process(target=print, args=('printed by a child',))\n"
    "p.start(); p.join()",
    "if os.fork() == 0:\n    os._exit(0)\nos.wait()[1]",
    "import tempfile\ntempfile.gettempdir(), os.path.expanduser('~'), os.cpu_count()",
]
CHANCE = [
    "import random, numpy as np, uuid, hashlib",
    "random.seed(1); np.random.seed(1)\nrandom.random(), np.random.rand(2), np.random.default_rng(1).normal()",
    "a = [random.Random().random(), np.random.default_rng().random()]\nlen(set(a))",
    "random.seed(None); np.random.seed(None)\nrandom.random() == random.random()",
    "len({uuid.uuid4() for _ in range(3)}), hashlib.sha256(b'x').hexdigest()[:8]",
    "np.random.seed(2); np.random.permutation(5), np.random.choice(5, 2)",
    "import secrets; len(secrets.token_hex(4))",
]
IMPORTS = [
    "import sys, os",
    "open('helper.py', 'w').write('print(\"imported\")\\nVALUE = 1\\n')\nimport helper\nhelper.VALUE",
    "open('script.py', 'w').write('import sys\\nprint(__name__, sys.argv)\\nsaid = 5\\n')",
    "%run script.py a b\nsaid",
    "%load_ext autoreload\n%autoreload 2\nopen('helper.py', 'w').write('VALUE = 23\\n')\n"
    "import os; os.utime('helper.py', (9e8, 9e8))",
    "import helper\nhelper.VALUE",
    "import importlib; importlib.reload(helper).VALUE",
    "sorted({name.partition('.')[0] for name in sys.modules} & "
    "{'assay', 'debugpy', 'matplotlib', 'matplotlib_inline', 'torch'})",
    "from helper import nothing_of_this_name",
    "import nbformat; nbformat.__name__",
    "import requests; requests.__name__",
    "sys.dont_write_bytecode, sys.flags, sys.version_info[:2], sys.prefix == sys.base_prefix",
]
LOCALE = [
    "import locale, sys, time, decimal, codecs, os",
    "locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(), sys.getfilesystemencoding()",
    "locale.localeconv()['decimal_point'], time.strftime('%A', (2026, 1, 1, 0, 0, 0, 0, 1, 0))",
    "decimal.getcontext()",
    "sorted([k for k in os.environ if k.startswith(('LC', 'LANG', 'PYTHON'))])",
    "f'{1234.5:n}', str(1e22), float.__repr__(0.1)",
    "import getpass, platform; getpass.getuser(), platform.node(), platform.python_version()",
]
BARS = [
    "import sys, time\nfrom tqdm import tqdm\nfrom tqdm.auto import tqdm as auto",
    "for k in tqdm(range(3), file=sys.stdout, bar_format='{n_fmt}/{total_fmt}', mininterval=9):\n    pass",
    "for k in auto(range(2), bar_format='{n_fmt}', mininterval=9): pass",
    "auto.__module__",
    "for k in tqdm(range(2), bar_format='{n_fmt}', mininterval=9): print(k)",
    "tqdm.write('beside the bar')",
    "from tqdm.notebook import tqdm as nb\n"
    "for k in nb(range(2), bar_format='{n_fmt}', mininterval=9): pass",
]
WIDGETS = [
    "import seaborn as sns, pandas as pd\nsns.set_theme()",
    "frame = pd.DataFrame({'x': [1, 2, 3], 'y': [2, 1, 3], 'c': list('aba')})",
    "sns.scatterplot(data=frame, x='x', y='y', hue='c')",
    "sns.lineplot(data=frame, x='x', y='y', errorbar=None);",
    "sns.pairplot(frame)\n",
    "sns.heatmap(frame[['x', 'y']].corr(), annot=True).figure",
    "import ipywidgets\nipywidgets.IntSlider(value=3)",
    "@ipywidgets.interact(n=(0, 4))\ndef show(n=2):\n    print('n is', n)",
    "out = ipywidgets.Output()\nwith out: print('inside')\nout",
    "sns.axes_style()",
]

BOOKS: dict[str, list[str]] = {
    "plots": PLOTS,
    "inline": INLINE,
    "windows": WINDOWS,
    "looks": LOOKS,
    "tables": TABLES,
    "science": SCIENCE,
    "torch": TORCH,
    "warnings": WARNINGS,
    "streams": STREAMS,
    "shell": SHELL,
    "magics": MAGICS,
    "shown": SHOWN,
    "history": HISTORY,
    "errors": ERRORS,
    "async": ASYNC,
    "threads": THREADS,
    "processes": PROCESSES,
    "chance": CHANCE,
    "imports": IMPORTS,
    "locale": LOCALE,
    "bars": BARS,
    "widgets": WIDGETS,
}
