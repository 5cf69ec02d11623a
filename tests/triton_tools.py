"""Triton compiles for graphics cards that are not here: nothing runs, but what cannot run there is found."""

import os
import subprocess
import sys
import textwrap


def compile_for(architecture, module, kernel, kinds, fixed):
    """Return the bytes of what a kernel of a module becomes, in a process that does not interpret it.

    ``kinds`` are the types of its arguments but pointers to float32; ``fixed`` are its compile-time values.
    """
    script = textwrap.dedent(f"""
        import importlib, inspect, triton
        from triton.backends.compiler import GPUTarget
        from triton.compiler import ASTSource

        kernel = getattr(importlib.import_module({module!r}), {kernel!r})
        fixed, kinds = {fixed!r}, {kinds!r}
        names = inspect.signature(kernel.fn).parameters
        types = {{name: "constexpr" if name in fixed else kinds.get(name, "*fp32") for name in names}}
        target = GPUTarget("cuda", {architecture}, 32)
        print(len(triton.compile(ASTSource(kernel, types, fixed), target=target).asm["cubin"]))
    """)
    environment = os.environ | {"TRITON_INTERPRET": "0"}
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
