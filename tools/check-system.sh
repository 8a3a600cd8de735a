#!/bin/sh
# What pip cannot install. Names all that is missing, with the command that brings it.
python=$1
missing=
need() { missing="$missing $1"; }

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
    echo "hilt needs Python 3.11 or newer; '$python' is $("$python" --version 2>&1). Give another: make PYTHON=python3.12" >&2
    exit 1
}
"$python" -c 'import ensurepip, venv' 2>/dev/null || need python3-venv
if [ "$(uname -s)" = Linux ]; then
    command -v cc >/dev/null || need gcc
    "$python" -c 'import os, sysconfig, sys; sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' ||
        need python3-dev
    [ -e /usr/include/linux/input.h ] || need linux-libc-dev
    "$python" -c 'import ctypes.util, sys; sys.exit(not (ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa")))' ||
        need "libegl1 libegl-mesa0 libgl1-mesa-dri"
fi
[ -z "$missing" ] && exit 0
echo "missing system packages; run: sudo apt-get install --yes$missing" >&2
exit 1
