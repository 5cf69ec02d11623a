import gc
import subprocess
import sys
import weakref

from anystar.runtime.garbage import collect_rarely


def test_loading_a_library_starts_few_collections():
    code = (
        "import gc\nfrom anystar.runtime.garbage import collect_rarely\ncollect_rarely()\n"
        "before = sum(kind['collections'] for kind in gc.get_stats())\nimport numpy.testing, scipy.ndimage\n"
        "print(sum(kind['collections'] for kind in gc.get_stats()) - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) <= 5


def test_cycles_are_still_freed():
    class Node:
        pass

    before = gc.get_threshold()
    try:
        collect_rarely()
        assert gc.isenabled()
        node = Node()
        node.own, freed = node, weakref.ref(node)
        del node
        kept = [[] for _ in range(2 * gc.get_threshold()[0])]
        assert freed() is None
        assert kept
    finally:
        gc.set_threshold(*before)
