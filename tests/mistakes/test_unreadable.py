"""From scratch, where the source does not say what runs: a person looks, and nobody passes."""

import json
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from assay.evidence.store import Store
from assay.records import Criterion, Result, Verdict
from assay.rubric import ForReview
from assay.submission.submission import Submission, plain
from rubric_tests.part1 import sources as part1
from rubric_tests.part2 import sources as part2
from rubric_tests.reading import check_readable, check_replies, reaching, unreadable
from tests.mistakes.cases import short_submission
from tests.mistakes.grading import ROOT, explain, graded, one_part
from tests.mistakes.part1 import FIT
from tests.toys import books

NETWORK = "solution/backprop/network.py"

UNREADABLE = {
    "getattr of a made text": "import torch\nf = getattr(torch, input_name)",
    "getattr under another name": "g = getattr\nf = g(torch, 'auto' + name)",
    "getattr handed on": "from functools import reduce\nf = reduce(getattr, names, torch)",
    "getattr on an attribute of self": "def f(self, n):\n    return getattr(self.t, n)",
    "attrgetter": "from operator import attrgetter\nf = attrgetter(name)(torch)",
    "import_module of the exam's": "import importlib\nm = importlib.import_module('a' + 'sk')",
    "the exam's by its import": "def fit():\n    __import__('ask')._as_text = print",
    "the exam's own writers": "from importlib import import_module\n"
    "m = import_module('assay-switches')",
    "the harness": "try:\n    import assay.sandbox.inside.ask\nexcept ImportError:\n    pass",
    "import_module of a made text": "import importlib\nm = importlib.import_module(name)",
    "__import__ of a made text": "m = __import__(name)",
    "import_module renamed": "from importlib import import_module as im\nm = im('numpy')",
    "vars": "import torch\nd = vars(torch)",
    "globals": "f = globals()[name]",
    "__dict__": "import torch\nf = torch.__dict__[name]",
    "sys.modules": "import sys\nm = sys.modules['x']",
    "sys.modules renamed": "import sys as s\nm = s.modules['x']",
    "sys.modules through a library": "import torch\nm = torch.sys.modules['x']",
    "sys.modules by a text": "import sys\nm = getattr(sys, 'mod' + 'ules')" + "\nn = sys.modules",
    "exec": "exec(text)",
    "eval": "f = eval('torch.' + name)",
    "compile": "c = compile(text, 'x', 'exec')",
    "exec through builtins": "import builtins\nbuiltins.exec(text)",
    "__builtins__": "e = __builtins__['exec']",
    "marshal": "import marshal\nc = marshal.loads(data)",
    "marshal by a text": "m = __import__('mar' + 'shal')",
    "pickle": "import pickle\nf = pickle.loads(data)",
    "pickle renamed": "from pickle import loads as l\nf = l(data)",
    "ctypes": "import ctypes",
    "ctypes of another": "import torch\nc = torch.ctypes.CDLL(None)",
    "types.FunctionType": "import types\nf = types.FunctionType(code, {})",
    "subclasses": "k = object.__subclasses__()",
    "globals of a function": "g = f.__globals__",
    "a template that goes on": "import glob\nt = '{0.__globals__[sys].modules[ask].turn.now}'"
    ".format(glob.glob)",
    "a template with a conversion": "t = '{0.__globals__!r}'.format(f)",
    "a template with a width": "t = '{0.f_globals:>3}'.format(g)",
    "a template in a width": "t = '{:{0.__globals__}}'.format(f)",
    "a template put together": "t = ('{0.__glo' + 'bals__[sys]}').format(f)",
    "another loader": "from importlib.machinery import SourcelessFileLoader",
    "runpy": "import runpy\nrunpy.run_path('x')",
    "gc": "import gc\no = gc.get_objects()",
    "a frame": "import sys\nf = sys._getframe()",
    "the profiler replaced": "import sys\nsys.setprofile = lambda *_: None",
    "NumPy changed by a call": "import numpy as np\nsetattr(np, 'asarray', mine)",
    "NumPy changed by a method": "import numpy as np\nobject.__setattr__(np, name, mine)",
    "NumPy changed by its own": "import numpy as np\nnp.__setattr__('asarray', mine)",
    "NumPy changed under another name": "import numpy as np\nm = np\nm.asarray = mine",
    "setattr under another name": "put = setattr\nput(x, name, mine)",
    "the profiler by a text": "import sys\nf = getattr(sys, 'set' + 'profile')",
    "another program": "import subprocess\nsubprocess.run(['python'])",
    "os.system": "import os\nos.system('python x.py')",
    "a shell": "!python train.py",
    "a shell that begins harmlessly": "!pip install x; python y.py",
    "a shell's value": "out = !python train.py",
    "bash": "%%bash\npython train.py",
    "IPython's own exec": "get_ipython().run_cell(text)",
    "a module that was neither handed in nor installed": "import made_at_run_time_by_a_cell",
    "a name bound twice": "n = 'a'\nn = other()\nf = getattr(x, n)",
    "a name that a star may bind": "n = 'a'\nfrom os.path import *\nf = getattr(x, n)",
    "__getattribute__": "f = torch.__getattribute__(name)",
    "an annotation that is run": "import typing\nh = typing.get_type_hints(f)['x']",
    "a reference ahead": "from typing import ForwardRef\nh = ForwardRef('x')",
    "annotations by inspect": "from inspect import get_annotations as g\nh = g(f, eval_str=True)",
    "a text that is timed": "import timeit\ntimeit.timeit('import x', globals={})",
    "a text that is timed by name": "from timeit import timeit as t\ns = 'x'\nt(s)",
    "a text that is traced": "import trace\ntrace.Trace().run('import x')",
    "a text that is profiled": "import cProfile\ncProfile.run('import x')",
    "a text of a log's settings": "from logging.config import BaseConfigurator as B",
    "a text that is algebra": "import sympy\nf = sympy.sympify(text)",
    "a text of a table": "import pandas as pd\npd.eval(text)",
    "a text of a table's own": "table.eval('@f(1)')",
    "a text of a table's own, not written": "table.eval(text)",
    "a text that asks a table": "table.query('@f(x) > 1')",
    "a text that asks a table, in part": "table.query(f'@f({n}) > 1')",
    "a pickle in NumPy's file": "import numpy as np\nf = np.load('a.npy', allow_pickle=True)[()]",
    "a pickle by its place": "import numpy as np\nf = np.load('a.npy', None, True)",
    "a pickle by what is not written": "import numpy as np\nf = np.load('a.npy', **more)",
    "a pickle in torch's": "import torch\nf = torch.load('w.pt', weights_only=False)",
    "a shelf": "import shelve\nf = shelve.open('a')['x']",
    "YAML that makes objects": "import yaml\nf = yaml.unsafe_load(text)",
    "YAML by any loader": "import yaml\nf = yaml.load(text, Loader=yaml.Loader)",
    "an item by its name": "from traitlets import import_item\nf = import_item('a.b')",
    "a field by its name": "import string\nf = string.Formatter().get_field('0.a', (x,), {})",
    "attributes, static": "import inspect\nf = inspect.getattr_static(x, name)",
    "all of torch's functions": "from torch.overrides import get_overridable_functions as g",
    "frames of callers": "import inspect\nf = inspect.stack()[1]",
    "this frame": "from inspect import currentframe\nf = currentframe()",
    "a pattern with a hidden name": "match x:\n    case object(__globals__=g):\n        pass",
    "os.execl": "import os\nos.execl('/bin/sh', 'sh')",
    "os.spawnlp": "import os\nos.spawnlp(0, 'python', 'python')",
    "a process of asyncio": "import asyncio\nasyncio.create_subprocess_shell('python x.py')",
    "an extension of one's own": "%load_ext helper",
    "an extension by a call": "get_ipython().run_line_magic('load_ext', 'helper')",
    "an extension by an old call": "get_ipython().magic('load_ext helper')",
    "a call that is not written": "get_ipython().run_line_magic(name, '')",
    "a program by a call": "get_ipython().system('python x.py')",
    "settings of the shell": "%config InteractiveShell.ast_transformers = [x]",
    "settings of the kernel": "%config IPKernelApp.exec_lines = ['x']",
    "a file that is no Python": "%run -i network.txt",
    "another notebook": "%run other.ipynb",
    "a file that was not handed in": "%run made.py",
}
UNREADABLE |= {
    "what a built-in function is of": "import numpy as np\nnp.vectorize(len.__self__.exec)(text)",
    "the kernel behind input": "shell = input.__self__.trait_values()['shell']",
    "the kernel behind getpass": "import getpass\nk = getpass.getpass.__self__",
    "a text by a profiler": "import cProfile\ncProfile.Profile().run(text)",
    "another profiler": "from cProfile import Profile\nProfile().enable()",
    "a text by a profiler in Python": "import profile\nprofile.Profile().run(text)",
    "a text by a debugger": "import pdb\npdb.Pdb().run(text)",
    "a text that torch times": "from torch.utils.benchmark import Timer\nTimer(text).timeit(1)",
    "a text of torch's compiler": "from torch._inductor.codecache import PyCodeCache as P",
    "a graph of torch's": "import torch\ntorch.fx.Graph().call_method(text, (x,))",
    "a library in C": "import numpy as np\nc = np.ctypeslib.load_library('libc.so.6', '/lib')",
    "a program by pexpect": "import pexpect\npexpect.run(text)",
    "a program by psutil": "import psutil\npsutil.Popen(['python', 'x.py'])",
    "a text elsewhere": "import execnet\nexecnet.makegateway().remote_exec(text)",
    "another notebook by papermill": "import papermill as pm\npm.execute_notebook('a', 'b')",
    "a function replaced by its name": "import pytest\npytest.MonkeyPatch().setattr(text, g)",
    "a program that git begins": "!git -c alias.x='!python x.py' x",
    "a program that git begins for a copy": "!git clone -c core.sshCommand='python x.py' ssh://a/b",
    "a program that git begins for each": "!git submodule foreach python x.py",
    "a program that git begins to look": "!git config core.fsmonitor 'python x.py'",
    "a program that git begins to fetch": "!git fetch --upload-pack 'python x.py' .",
    "a program whose output is read": "!head -5 <(python x.py)",
    "a command that a text hides": "!ls {'; python x.py'}",
    "a main program that profiles": "import cProfile\ncProfile.main()",
    "a program that uv begins": "!uv run x.py",
    "a program that conda begins": "!conda run python x.py",
    "a comparison that hands on all modules": "import sys\nseen = Other() == sys.modules",
    "a comparison that hands on all names": "seen = Other() == globals()",
    "a comparison in a chain": "import sys\nseen = 'sys' in sys.modules in Other()",
    "a program after a harmless one": "!pip install numpy && python other.py",
    "a program beside a harmless one": "!ls & python other.py",
    "a program inside a harmless one": "!ls $(python other.py)",
    "a list that grows": "P = ['W1']\nP.append(x)\nfor p in P:\n    getattr(net, p)",
    "a tuple that is bound again": "P = ('W1',)\nP = read()\nfor p in P:\n    getattr(net, p)",
    "a tuple that is handed in": "def f(P=('W1',)):\n    for p in P:\n        getattr(net, p)",
    "a model that is compiled": "import torch\nf = torch.jit.load('mix.pt')",
    "a compiled model by its name": "from torch.jit import load\nf = load('mix.pt')",
    "a hub": "import torch\nf = torch.hub.load('a/b', 'c')",
    "torch's own parts": "import torch\nf = torch._C._jit_get_operation(name)",
    "torch's processes": "import torch.multiprocessing as mp\np = mp.Pool(1)",
    "joblib's processes": "from joblib import Parallel\np = Parallel(2)(jobs)",
    "a method of all tensors": "import torch\ntorch.Tensor.double = f",
    "a method of all modules": "from torch import nn\nnn.Module.load_state_dict = f",
    "a witness, by a second name": "import torch\nm = torch.overrides\n"
    "m.TorchFunctionMode.__enter__ = f",
    "a witness, by setattr": "import torch\nsetattr(torch.autograd.profiler.profile, name, f)",
    "a function, taken out": "import torch\ndelattr(torch.Tensor, 'double')",
    "a module in an argument": "import numpy as np\ndef f(m):\n    m.asarray = mine\nf(np)",
    "a module in a loop": "import numpy as np\nfor m in [np]:\n    m.asarray = mine",
    "a module in a pair": "import numpy as np\nm, n = np, 1\nm.asarray = mine",
    "a module in a list": "import numpy as np\n[np][0].asarray = mine",
    "a module in an expression": "import numpy as np\n(m := np).asarray = mine",
    "a module with a type": "import numpy as np\nm: object = np\nm.asarray = mine",
    "a module in a class": "import numpy as np\nclass A:\n    m = np\nA.m.asarray = mine",
    "a module in self": "import numpy as np\nclass A:\n    def f(self):\n"
    "        self.m = np\n        self.m.asarray = mine",
    "a module in an argument, by setattr": "import json\ndef f(m):\n"
    "    setattr(m, 'dumps', mine)\nf(json)",
    "sys in a loop": "import os\nfor s in [os.sys]:\n    s.setprofile = mine",
    "sys of a module in an argument": "import os\ndef f(m):\n    return m.sys\ns = f(os)",
    "sys from another module": "from os import sys",
    "os from another module": "from random import _os\n_os.system('python x.py')",
    "os of another module": "import tempfile\ntempfile._os.system('python x.py')",
    "the profiler of what has any name": "s.setprofile = mine",
    "a witness of what has any name": "kind.__enter__ = mine",
    "what counts memory": "import tracemalloc\ntracemalloc.get_traced_memory = mine",
    "what a text names": "import string\nclass F(string.Formatter):\n"
    "    def format_field(self, value, how):\n        kept.append(value)",
    "what a text names, by a lambda": "import string\nclass F(string.Formatter):\n"
    "    format_field = kept",
    "memory by its address": "class A:\n    __array_interface__ = {'data': (place, False)}",
    "sys of a module by a text": "import os\ns = getattr(os, 'sys')",
    "all modules by a text": "from operator import attrgetter\nm = attrgetter('sys.modules')(x)",
    "sys of an argument": "import warnings\ndef f(m):\n    return m.sys\ns = f(warnings)",
    "all modules of what has any name": "m = s.modules",
    "a function put into a module": "import functools\nimport tracemalloc\n"
    "functools.update_wrapper(tracemalloc, mine, ('get_traced_memory',), ())",
    "modules that a star brings": "from logging.handlers import *\npickle.loads(data)",
    "a template": "import jinja2\njinja2.Template(text).render(x=x)",
    "examples in texts": "import doctest\ndoctest.run_docstring_examples(f, {})",
    "a text of NumPy's tests": "from numpy.testing import runstring\nrunstring(text, {})",
    "a text that is measured": "import numpy as np\nnp.testing.measure(text)",
    "a text that makes a function": "from decorator import FunctionMaker as F",
    "a test by its name": "import unittest\nunittest.TestLoader().loadTestsFromName('a.b')",
    "scikit-learn's processes": "from sklearn.utils.parallel import Parallel\nParallel(2)(jobs)",
    "code after a question about a magic": "%%html?\nexec(text)",
    "code in a line like a magic, in a text": "%matplotlib inline\n'''\n% '''; exec(text)"
    "; '''\n'''",
    "code in a line like a shell's value": "%matplotlib inline\n'''\nx = % '''; exec(text)"
    "; '''\n'''",
    "callers by a traceback": "import traceback\nnames = traceback.extract_stack()",
    "callers by a log": "import logging\nlogging.warning('x', stack_info=True)",
    "callers as torch keeps them": "from torch.utils._traceback import CapturedTraceback as C",
    "who watches the functions": "from torch.overrides import _get_current_function_mode as m",
    "who watches the operators": "from torch.utils import _python_dispatch as d\nd._pop_mode(0)",
    "nobody watches": "from torch.utils._python_dispatch import _disable_current_modes as off",
    "who watches the parts": "def f(model):\n    return len(model._forward_hooks)",
    "whether the profiler is there": "import torch\non = torch.autograd._profiler_enabled()",
    "an operator of torch's replaced": "import torch\nlib = torch.library.Library('aten', 'IMPL')",
    "a text that torch makes code of": "from torch.fx.graph_module import _forward_from_src as f",
    "a text in a type that is dispatched on": "@show.register\ndef _(x: 'keep(exec) or int'):\n"
    "    pass",
    "a text in a type that is checked": "from beartype import beartype\n@beartype\n"
    "def f(x: '__import__(name) or int'):\n    pass",
    "a text in a shape": "from jaxtyping import Float\nF = Float[Tensor, '{exec(t)}']",
    "a text in a shape, by its name": "from jaxtyping import Float\nd = 'a {exec(t)}'\n"
    "F = Float[Tensor, d]",
    "a text in a field": "import pydantic\nclass A(pydantic.BaseModel):\n    x: 'eval(t)'",
    "types that are put in": "f.__annotations__['x'] = text",
    "annotations by their signature": "import inspect\ninspect.signature(f, eval_str=True)",
    "a text of a class": "import dataclasses\ndataclasses._create_fn('f', ['x'], [text])",
    "a pickle as torch stores it": "from torch.storage import _load_from_bytes as l",
    "a pickle in NumPy's own reader": "from numpy.lib.npyio import NpzFile as Z",
    "algebra of a text": "import sympy\nsympy.simplify('f(x)')",
    "a text from the command line": "import timeit\ntimeit.main([text])",
    "a module that is written": "from pathlib import Path\nPath('seaborn.py').write_text(t)\n"
    "import seaborn",
    "a module that is copied": "import shutil\nshutil.copy('data.txt', 'sea' + 'born.py')",
}
"""Code in files, and what others use replaced below the top of a module."""

READABLE = {
    "a template": "t = '{0.shape} {1[0]:.2f} {2.__class__.__name__}'.format(a, b, c)",
    "a brace that stays open": "t = 'Config: { layers of torch.nn.modules.Linear'",
    "a dictionary in a text": "'''{'net': torch.nn.modules.Linear}'''",
    "braces that are no template": r"t = r'$\frac{a.b}{\sqrt{x}}$ {\'os\': 1} {modules}'",
    "deterministic": "import torch\ntorch.backends.cudnn.deterministic = True",
    "a setting of the compiler": "import torch\ntorch._dynamo.config.suppress_errors = True",
    "setattr of self": "class A:\n    def f(self, n):\n        setattr(self, n, 1)",
    "an attribute of what a library made": "import torch\nm = torch.nn.Linear(1, 1)\nm.a = 1",
    "a name for two things": "import torch\nm = torch.Tensor\nm = A()\nm.a = 1",
    "arrays of any library": "import numpy as np\ndef f(x, xp=np):\n    return xp.exp(x)\n"
    "class A:\n    def __init__(self):\n        self.xp = np\n        self.mean = 0\n"
    "table = f(1)\ntable.colour_of_it = 1",
    "a library shown": "import numpy as np\nimport math\nhelp(np)\nprint(np, dir(math))\n"
    "table.mean = 1",
    "a library loaded anew": "import importlib\nimport solution\nimportlib.reload(solution)",
    "a method of a class of one's own": "class A:\n    pass\nA.__repr__ = lambda self: 'a'",
    "what a function is called": "f.__name__ = 'f'\nf.__doc__ = 'text'",
    "warnings kept quiet": "import warnings\ndef warn(*a, **k):\n    pass\nwarnings.warn = warn",
    "a star": "from math import *\nfrom numpy import *\nfrom matplotlib.pyplot import *",
    "a path": "import os\nfrom os import path\nos.path.join('a', 'b')\npath.join('a', 'b')",
    "getattr of a text": "import numpy as np\nf = getattr(np, 'sin')",
    "getattr in a loop over texts": "for name in ('a', 'b'):\n    print(getattr(x, name))",
    "getattr of self": "class A:\n    def f(self, n):\n        return getattr(self, n)",
    "a model's eval": "model.eval()",
    "a table's new column": "table.eval('c = a + b', inplace=True)",
    "a table's rows": "rows = table.query('a > 1')\nrows = table.query(f'a > {n}')",
    "a layer called query": "q = self.query(x)\nq = layer.query(x)",
    "an eval of one's own": "class Net:\n    def eval(self, X): pass\nNet().eval(X)",
    "re.compile": "import re\np = re.compile('x')",
    "torch.compile": "import torch\nm = torch.compile(model)",
    "modules of a model": "for part in model.modules():\n    pass",
    "a question to globals": "seen = 'x' in globals()",
    "where a notebook runs": "import sys\nif 'google.colab' in sys.modules:\n    x = 1",
    "what machine this is": "!nvidia-smi | head -5\n!python --version\n!nproc; date",
    "several commands in a line": "!pip install -q numpy 2>&1 | tail -n 1 && pip list | grep numpy",
    "an address with signs": "!wget -q 'https://a.org/uc?export=download&id=b' -O data.csv",
    "output that nobody sees": "!pip install -q numpy &> /dev/null",
    "a word in a type": "def f(mode: 'in eval mode', x: 'eval'):\n    pass",
    "vars of self": "class A:\n    def f(self):\n        return vars(self)",
    "git": "!git clone https://example.org/core.git\n!git pull --rebase\n!git rev-parse HEAD",
    "git's settings": "!git config --global user.name Ada\n!git --no-pager log -3",
    "conda": "!conda install -y numpy  # run this once\n!uv pip install numpy  # run once",
    "names in braces": "!mkdir -p data/{raw,clean}\n!head -3 {files[0]}\n!ls *.{csv,txt}",
    "pip": "!pip install -q numpy > /dev/null\nimport numpy as np",
    "a magic": "%matplotlib inline\nimport numpy as np",
    "a timed cell": "%%time\nx = 1",
    "a text with lines like magic": '%matplotlib inline\nx = """\n% of rows\nwhat?\n"""\ny = 1',
    "a shell's value in a branch": "if x:\n    files = !ls\n    %time f()\nelse:\n    f?",
    "a type in words": "def f(x: 'Tensor (B, L, D)', n: 'how many?') -> 'a list':\n    pass",
    "shapes in types": "from jaxtyping import Float\nF = Float[Tensor, 'batch {n} d_k+1']",
    "the fields of a class": "for name in Config.__annotations__:\n    print(name)",
    "symbols": "import sympy\nx, y = sympy.symbols('x y')\nsympy.diff(x * y, x)",
    "a page": "%%html\n<b>not Python</b>",
    "Colab": "try:\n    import google.colab\nexcept ImportError:\n    pass",
    "torch.load": "import torch\nw = torch.load('w.pt')",
    "inspect.signature": "import inspect\ns = inspect.signature(f)",
    "a directory": "import os\nos.makedirs('x', exist_ok=True)",
    "a function that is timed": "import timeit\ndef f():\n    pass\ntimeit.timeit(f, number=3)",
    "a lambda that is timed": "from timeit import timeit\nt = timeit(lambda: 1, number=3)",
    "a clock": "from timeit import default_timer as timer\nstart = timer()",
    "NumPy's file": "import numpy as np\nx = np.load('a.npy')['x']",
    "NumPy's file without objects": "import numpy as np\nx = np.load('a.npy', allow_pickle=False)",
    "weights alone": "import torch\nw = torch.load('w.pt', weights_only=True)",
    "stacked arrays": "import numpy as np\nx = np.stack([a, b])\nnp.trace(x)",
    "safe YAML": "import yaml\ny = yaml.load(open('a.yml'), Loader=yaml.SafeLoader)",
    "autoreload": "%load_ext autoreload\n%autoreload 2",
    "sharp pictures": "%config InlineBackend.figure_format = 'retina'",
    "every value shown": "%config InteractiveShell.ast_node_interactivity = 'all'",
    "a cell that is ended": "if not found:\n    quit()",
    "a kernel of one's own": (
        "class Layer:\n    def __init__(self):\n        self.kernel = 3\nprint(Layer().kernel)"
    ),
    "an estimator's kernel": (
        "from sklearn.svm import SVC\nsvm = SVC(kernel='rbf').fit(x, y)\nprint(svm.kernel)"
    ),
    "a table's columns": (
        "import pandas as pd\nlog = pd.read_csv('log.csv')\n"
        "log = log.dropna()\nlog.session.nunique()"
    ),
    "a table's column": "import pandas as pd\nlog = pd.read_csv('x.csv')\nlog.events.sum()",
    "what shows": "from IPython.display import HTML, clear_output, display\ndisplay(HTML('x'))",
    "what shows, by its module": "import IPython.display as ipd\nipd.display(ipd.Audio([1.0]))",
    "IPython's version": "import IPython, sys\nprint(IPython.__version__, sys.version)",
    "a bar": "import sys\nsys.stdout.write('.')\nsys.stdout.flush()\nsys.stderr.isatty()",
    "text instead of output": "import io, sys\nold = sys.stdout\nsys.stdout = io.StringIO()",
    "older pictures": "from matplotlib_inline.backend_inline import set_matplotlib_formats",
}


def as_read(*cells: str, **files: str) -> SimpleNamespace:
    """A submission as a rubric's test sees it."""
    return SimpleNamespace(
        cells=[SimpleNamespace(kind="code", source=source, tags=[]) for source in cells],
        sources={name.replace("__", "/") + ".py": text for name, text in files.items()},
        files=[],
        unread=[],
    )


@pytest.mark.parametrize("source", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_told(source: str):
    """With the cell and what it does there."""
    (first, *_) = unreadable(as_read("x = 1", source), [])

    assert first.startswith("code cell 2")


@pytest.mark.parametrize("source", READABLE.values(), ids=READABLE)
def test_what_can_be_read_is_left_alone(source: str):
    """Honest code looks names up too."""
    assert list(unreadable(as_read(source), [])) == []


@pytest.mark.parametrize(
    "name", ["solution/net.pyc", "net.cpython-311-x86_64-linux-gnu.so", "x.PYD"]
)
def test_compiled_files_cannot_be_read(name: str):
    """Whatever else is beside them."""
    handed_in = as_read("x = 1")
    handed_in.files = [name]

    assert list(unreadable(handed_in, [])) == [f"`{name}` is compiled, and cannot be read"]


def test_a_file_in_an_encoding_of_its_own_cannot_be_read():
    """As UTF-8 it is not Python, and yet it can be imported."""
    rotated = "# -*- coding: rot13 -*-\nvzcbeg gbepu nf g g"

    assert list(unreadable(as_read(solution__net=rotated), []))


def test_a_cell_with_a_shells_value_is_read_all_the_same():
    """One line of IPython's own does not hide the others."""
    seen = as_read(
        "files = !ls\nfrom torch import autograd\nclass ScratchNetwork:\n    a = autograd"
    )

    assert any(map(part1.ready_made, part1.Sources(seen).reached("ScratchNetwork")))


NET = "class ScratchNetwork:\n    def fit(self):\n        return seed, net\n"
BY_HAND = "from sklearn.linear_model import LogisticRegression\nnet = None\n"


@pytest.mark.parametrize(
    ("loop", "is_borrowed"),
    [
        ("for seed in range(3):\n    base = LogisticRegression().fit(X, y)", False),
        ("for _, seed in enumerate([0, 1]):\n    base = LogisticRegression().fit(X, y)", False),
        ("if True:\n    for seed in (0, 1):\n        base = LogisticRegression()", False),
        ("for seed in [LogisticRegression]:\n    pass", True),
        ("for seed in range(3):\n    net = LogisticRegression()", True),
        ("def range(n):\n    yield LogisticRegression\nfor seed in range(3):\n    pass", True),
        ("for seed in box.list():\n    box.append(LogisticRegression())", True),
        ("for seed in models:\n    seed.append(LogisticRegression())", True),
        ("for seed, net in zip(range(3), [LogisticRegression] * 3):\n    pass", True),
    ],
)
def test_a_loop_over_numbers_makes_nothing_else_of_its_name(loop: str, is_borrowed: bool):
    """`seed` is a number, whatever is fitted beside it; what a loop hands out is followed."""
    found = part1.Sources(as_read(f"{BY_HAND}{loop}\n{NET}")).reached("ScratchNetwork")

    assert any(map(part1.ready_made, found)) is is_borrowed


@pytest.mark.parametrize(
    "text", ["'auto' + 'grad'", "''.join(['auto', 'grad'])", "f'{\"auto\"}grad'", "part + 'grad'"]
)
def test_texts_put_together_in_the_file_are_read(text: str):
    """They are not for review: what they come to is known."""
    source = (
        "import torch\npart = 'auto'\nclass ScratchNetwork:\n    def fit(self):\n"
        f"        return getattr(torch, {text}), __import__('to' + 'rch')"
    )
    seen = as_read(source)

    found = set(part1.Sources(seen).reached("ScratchNetwork"))

    assert {"autograd", "torch"} <= found
    assert list(unreadable(seen, [])) == []


@pytest.mark.parametrize(
    "source",
    [
        "import torch\nf = getattr(torch.nn.functional, 'scaled_dot_' + 'product_attention')",
        "import torch\nf = torch.ops.aten.scaled_dot_product_attention",
        "import torch\nf = torch._native_multi_head_attention",
        "from torch._inductor.fx_passes.fuse_attention import _sfdp_pattern_5 as f\ny = f(x)",
        "from torch.onnx.ops import attention as f\ny = f(x)",
        "from operator import attrgetter\nf = attrgetter('Multihead' + 'Attention')(nn)",
        "for n in ('Transformer',):\n    f = getattr(nn, n)",
    ],
)
def test_ready_made_attention_is_found_under_a_text(source: str):
    """In Part 2, by whatever the text is looked up in."""
    assert any(map(part2.ready_made, part2.foreign_names(as_read(source))))


READY_MADE = "from torch.nn.functional import scaled_dot_product_attention"
HANDED_ON = {
    "an attribute of a file": ("import parts\nparts.mix(q, k, v)", f"{READY_MADE} as mix"),
    "a name of a file": ("from parts import mix\nmix(q, k, v)", f"{READY_MADE} as mix"),
    "a module in a file": (
        "import parts\nparts.F.scaled_dot_product_attention(q, k, v)",
        "from torch.nn import functional as F",
    ),
    "a module of a file by its name": (
        "from parts import F as G\nG.scaled_dot_product_attention(q, k, v)",
        "from torch.nn import functional as F",
    ),
    "all of a module in a file": (
        "import parts\nparts.scaled_dot_product_attention(q, k, v)",
        "from torch.nn.functional import *",
    ),
    "an import in a class": (
        f"class Heads:\n    {READY_MADE} as mix\n    def forward(self, q):\n        self.mix(q)",
        "",
    ),
    "a pattern": (
        "match parts:\n    case object(scaled_dot_product_attention=f):\n        f(q)",
        "",
    ),
}


@pytest.mark.parametrize(("cell", "parts"), HANDED_ON.values(), ids=HANDED_ON)
def test_ready_made_attention_is_found_through_ones_own_files(cell: str, parts: str):
    """One file imports it, and another takes it from there."""
    seen = as_read(cell, **{"parts": parts})

    assert any(map(part2.ready_made, part2.foreign_names(seen)))


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("import parts\nparts.attention(q)", "import torch\ndef attention(q):\n    return q"),
        ("import parts\nparts.scaled_dot_product_attention(q)",
         "from torch.nn.functional import *\ndef scaled_dot_product_attention(q):\n    return q"),
        ("import parts\nparts.mix(q)", "def mix(q):\n    return q\n"
         "def compared():\n    from torch import nn\n    return nn.MultiheadAttention"),
    ],
)  # fmt: skip
def test_what_a_file_defines_is_ones_own(cell: str, parts: str):
    """Whatever it is called, and whatever else is imported beside it."""
    seen = as_read(cell, **{"parts": parts})

    assert not any(map(part2.ready_made, part2.foreign_names(seen)))


TORCH = "import torch\nimport numpy as np\nfrom torch import nn\nimport torch.nn.functional as F\n"
HELD = "F.scaled_dot_product_attention(q, k, v)"


@pytest.mark.parametrize(
    ("cell", "is_found"),
    [
        (f"assert torch.allclose(attention(q, k, v), {HELD})", False),
        (f"assert np.allclose(attention(q, k, v).numpy(), {HELD}.numpy(), atol=1e-6)", False),
        (f"torch.testing.assert_close(attention(q, k, v)[0], {HELD})", False),
        ("assert not any(isinstance(m, nn.Transformer) for m in model.modules())", False),
        ("mask = nn.Transformer.generate_square_subsequent_mask(5)", False),
        (f"torch.allclose(attention(q, k, v), kept := {HELD})", True),
        ("torch.allclose(keep(F.scaled_dot_product_attention), q)", True),
        (f"keep.allclose(q, {HELD})", True),
        ("torch.allclose(q, keep(F.scaled_dot_product_attention)(q, k, v))", True),
        (f"isinstance(q, type(out := {HELD}))", True),
        (f"from parts import isinstance\nisinstance(q, {HELD})", True),
        ("(layer := nn.Transformer(8)).generate_square_subsequent_mask(5)", True),
        (f"def isinstance(a, b):\n    return b\nisinstance(q, {HELD})", True),
        (f"def f(isinstance):\n    isinstance(q, {HELD})\nf(keep)", True),
        (
            "layer = nn.Transformer(8)\nmask = nn.Transformer.generate_square_subsequent_mask(5)",
            True,
        ),
    ],
)
def test_what_ones_own_part_is_only_held_against(cell: str, is_found: bool):
    """In Part 2: a check beside the work uses torch's attention, and the work does not."""
    found = any(map(part2.ready_made, part2.foreign_names(as_read(TORCH + cell))))

    assert found == is_found


@pytest.mark.parametrize(
    ("cell", "parts"),
    [
        ("import parts\nq = parts.mix(attention_weights)",
         "from torch.nn.functional import *\ndef mix(q):\n    attention_weights = softmax(q)\n"
         "    return attention_weights @ q"),
    ],
)  # fmt: skip
def test_names_of_ones_own_that_speak_of_attention_are_ones_own(cell: str, parts: str):
    """Bound in a function, beside a star."""
    seen = as_read(cell, **{"parts": parts})

    assert not any(map(part2.ready_made, part2.foreign_names(seen)))
    assert not part2.ready_made_in_texts(seen)


@pytest.mark.parametrize(
    "text",
    ["'Multihead' + 'Attention'", "'nn.Multi' 'headAttention'", "f'{first}headAttention'",
     "''.join(['Multihead', 'Attention'])", "first + 'headAttention'"],
)  # fmt: skip
def test_texts_that_come_to_the_name_of_a_ready_made_part_are_told(text: str):
    """In Part 2, whatever is done with them, and however they are put together."""
    seen = as_read(f"first = 'Multi'\nfind(nn, {text})")

    assert part2.ready_made_in_texts(seen) == ["MultiheadAttention"]


@pytest.mark.parametrize(
    "source", ["x = " + "1+" * 2500 + "1", "print(" + "'a'+" * 2500 + "'b')",
               "x = " + "1 if a else " * 900 + "2"], ids=["sum", "text", "choices"],
)  # fmt: skip
def test_an_expression_of_thousands_of_terms_stumbles_no_reader(source: str):
    """It names nothing that would be for review."""
    seen = as_read(source)

    assert [*unreadable(seen, []), *reaching(seen, []), *part2.ready_made_in_texts(seen)] == []


REACHING = {
    "the shell": "kernel = get_ipython().kernel",
    "the shell under a name": "ip = get_ipython\nip().kernel",
    "the shell from its package": "import IPython\nIPython.get_ipython().kernel",
    "the session": "from ipykernel.kernelapp import IPKernelApp",
    "its sockets": "import zmq",
    "any socket": "import socket",
    "its output": "import sys\nsys.stdout.pub_thread",
    "tracebacks": "def f(shell):\n    shell.set_custom_exc((Exception,), g)",
    "a reply": "kind = 'execute_reply'",
    "the folder of answers": "import os\nsupport = os.environ['ASSAY_SUPPORT']",
    "the shell of quit": "quit._ip.ast_transformers.append(x)",
    "the shell of exit": "e = exit\ne.x",
    "the shell under another name": "from IPython import get_ipython as shell\nshell().ex('x')",
    "the shell of what shows": "import sys\nsys.displayhook.x",
    "what shows, from sys": "from sys import displayhook as d\nd.x",
    "sys under another name": "import sys\ns = sys\ns.x",
    "the session of output": "import sys\nsys.stdout.session.send('x')",
    "anything of output": "import sys\nsys.stderr.echo",
    "the shell's one instance": "from IPython import InteractiveShell as S\nS.x",
    "the app": "import IPython\nIPython.Application.instance()",
    "IPython under another name": "import IPython\ni = IPython\ni.x",
    "IPython's parts": "import IPython.core.magics as m\nm.CodeMagics",
    "a magic of one's own": "from IPython.core.magic import register_cell_magic",
    "any one instance": "x = Backend.instance()",
    "an instance of traitlets": "from traitlets.config import SingletonConfigurable as S",
    "an instance of the backend": "import matplotlib_inline.backend_inline as b\nb.InlineBackend",
    "more than is shown": "from IPython.display import display_functions",
    "the shell, of anything": "f(x).shell",
    "the kernel, of anything": "f(x).kernel",
    "the kernel of what was an array": "import numpy as np\nx = np.ones(3)\nx = f(x)\nx.kernel",
    "the kernel of an argument": "import numpy as np\nx = np.ones(3)\ndef g(x): x.kernel",
    "its events": "f(x).events.register('post_run_cell', print)",
    "its magics": "f(x).register_magic_function(g)",
    "the folder, put together": "from pathlib import Path\np = Path('/') / ('assay-' + 'run')",
    "the folder, by steps": "from pathlib import Path\np = Path('/', 'assay-run', 'evidence')",
    "the folder, joined": "import os\np = os.path.join('/', 'assay-run')",
    "the folder, from parts": "part = 'run'\np = '/assay-' + part + '/evidence'",
    "the folder, in a text": "part = 'run'\np = f'/assay-{part}/evidence'",
    "the folder, glued": "p = '/'.join(['', 'assay-run', 'support'])",
    "an attribute by a text": "f = getattr(x, 'ses' + 'sion')",
    "an attribute by a pattern": "match x:\n    case object(_ip=shell):\n        pass",
}


@pytest.mark.parametrize("source", REACHING.values(), ids=REACHING)
def test_who_reaches_the_kernel_cannot_vouch_for_its_cells(source: str):
    """A failing cell hidden by forged replies: how cells ended is then for a person to say."""
    with pytest.raises(ForReview, match="how cells ended may be made up"):
        check_replies(as_read("x = 1", source), [])
    with pytest.raises(ForReview, match="what runs may not be what is written"):
        check_readable(as_read("x = 1", source), [])


@pytest.mark.parametrize("source", READABLE.values(), ids=READABLE)
def test_who_does_not_reach_the_kernel_is_taken_at_its_word(source: str):
    """As every honest notebook is, with magics and pictures."""
    check_replies(as_read(source, "get_ipython().run_line_magic('matplotlib', 'inline')"), [])


SHORT = ROOT / "tests" / "mistakes" / "short"
ABOUT_THE_KERNEL = {
    "SHELL", "MAGICS", "HISTORY", "WARNINGS", "STREAMS", "ERRORS", "ASYNC", "THREADS",
    "PROCESSES", "IMPORTS", "WIDGETS", "SHOWN",
}  # fmt: skip
"""Lists of tests/toys/books.py with cells about the kernel, its programs and its loaders."""
ORDINARY = {
    name: cells
    for name, cells in vars(books).items()
    if isinstance(cells, list) and name.isupper() and name not in ABOUT_THE_KERNEL
} | {
    path.relative_to(ROOT).as_posix(): [
        cell.source
        for cell in nbformat.read(path, 4).cells
        if cell.cell_type == "code" and "adapter" not in cell.metadata.get("tags", [])
    ]
    for folder in (ROOT / "notebooks", SHORT)
    for path in sorted(folder.rglob("*.ipynb"))
}


@pytest.mark.parametrize("cells", ORDINARY.values(), ids=ORDINARY)
def test_ordinary_notebooks_wait_for_nobody(cells: list[str]):
    """Tables, pictures and networks, as students write them and as the course does.

    A tagged adapter is no cell of theirs: it is taken out, and read as a file.
    """
    seen = as_read(*cells)

    assert [*unreadable(seen, []), *reaching(seen, [])] == []


@pytest.mark.parametrize("folder", [ROOT / "solution", SHORT], ids=["reference", "short"])
def test_ordinary_files_wait_for_nobody(folder: Path):
    """The reference's modules, and every adapter."""
    files = {path.relative_to(ROOT).as_posix(): path for path in folder.rglob("*.py")}
    seen = as_read()
    seen.sources = {name: path.read_text(encoding="utf-8") for name, path in files.items()}

    assert seen.sources
    assert [*unreadable(seen, []), *reaching(seen, [])] == []


# Graded --------------------------------------------------------------------------------------


HIDDEN = {
    "autograd in a text that is run": """\
        exec("import torch\\nw = torch.ones(1).requires_grad_()\\n(w * w).backward()")
        self._descend(X, self._targets(y))
""",
    "the profiler switched off, and nothing else": """        import sys
        sys.setprofile = lambda *_: None
        self._descend(X, self._targets(y))
""",
}


@pytest.mark.parametrize("fit", HIDDEN.values(), ids=HIDDEN)
def test_a_network_that_hides_what_it_does_earns_nothing_from_scratch(
    fit: str, store: Store, tmp_path: Path
):
    """Autograd that is seen fails; what cannot be seen waits for a person; nothing else is lost."""
    files = short_submission(ROOT, "part1")
    files[NETWORK] = files[NETWORK].decode().replace(FIT, fit).encode()

    result = one_run(Submission("hiding", files), store, tmp_path)
    found = criterion(result, "from-scratch")

    assert not found.earned, explain(result)
    if "torch" in fit:
        assert found.verdict is Verdict.FAILED
    else:
        assert found.verdict is Verdict.FOR_REVIEW
        assert found.judged == 0
        assert any("setprofile" in prop.reason for prop in found.properties)
        others = [c for c in result.criteria if c.name != "from-scratch" and c.judged]
        assert all(c.earned == c.judged for c in others), explain(result)


FORGED = """kernel = get_ipython().kernel
real = kernel.session.send

def send(stream, kind, content=None, *args, **kwargs):
    if kind == "execute_reply":
        content = {"status": "ok", "execution_count": 1, "user_expressions": {}, "payload": []}
    elif kind == "error":
        return None
    return real(stream, kind, content, *args, **kwargs)

kernel.session.send = send
"""
ACCURACY = "network_accuracy = np.mean(network.predict(X_test) == y_test)"


def test_a_failing_cell_hidden_by_forged_replies_earns_nothing(store: Store, tmp_path: Path):
    """`clean-run` is for a person to mark: its points are not earned, and not judged."""
    book = "notebooks/part1_backprop.ipynb"
    files = short_submission(ROOT, "part1")
    notebook = json.loads(files[book])
    (cell,) = [c for c in notebook["cells"] if ACCURACY in "".join(c["source"])]
    cell["source"] = FORGED + "".join(cell["source"]) + "\nprint(accuracy)"
    files[book] = json.dumps(notebook).encode()

    result = one_run(Submission("forging", files), store, tmp_path)
    found = criterion(result, "clean-run")

    assert not [cell for run in result.runs for cell in run.cells if cell.error], (
        "it was not hidden"
    )
    assert found.verdict is Verdict.FOR_REVIEW, explain(result)
    assert not found.earned
    assert found.judged == 0


def one_run(handed_in: Submission, store: Store, reports: Path) -> Result:
    return graded(one_part("part1", [0], {"dataset": ["penguins"]}), handed_in, store, reports)


def criterion(result: Result, name: str) -> Criterion:
    return next(c for c in result.criteria if c.name == name)


@pytest.mark.parametrize("part", ["part1", "part2"])
def test_the_reference_can_be_read(part: str):
    """All of it, the other part's files and the notebook's cells included."""
    handed_in = Submission("reference", short_submission(ROOT, part))
    book = next(name for name in handed_in.notebooks)
    cells = [SimpleNamespace(**plain(cell)) for cell in handed_in.cells_in(book)]
    sources = {n: text.decode() for n, text in handed_in.files.items() if n.endswith(".py")}
    seen = SimpleNamespace(cells=cells, sources=sources, files=list(handed_in.files), unread=[])

    assert json.dumps(list(unreadable(seen, []))) == "[]"
