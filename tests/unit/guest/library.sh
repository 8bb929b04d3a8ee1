#!/bin/sh
# Translates a test module as the build does: library.sh SOURCE OUTPUT ROOT [-DSHIM_...]
# The commands are those of src/guest/sdk/shim.c. SOURCE is .wat or .c (a handler with
# -DSHIM_HANDLER, else a command).
set -eu
source=$(realpath "$1") output=$(realpath -m "$2") root=$(realpath "$3")
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
sdk=$root/src/guest
case $source in
*.wat) wat2wasm --debug-names "$source" -o "$work/module.wasm" ;;
*.c)
    case " $* " in
    *" -DSHIM_HANDLER "*) extra="-mexec-model=reactor $sdk/sdk/function.c" ;;
    *) extra= ;;
    esac
    # shellcheck disable=SC2086
    clang --target=wasm32-wasi -O2 -Wall -Wextra -Werror -I"$root/include" $extra "$source" \
        -o "$work/module.wasm"
    ;;
esac
cd "$work"
wasm2c -n m module.wasm -o m.c
gcc "$@" -DSHIM_MEMORY -I. -I"$sdk" \
    -std=gnu17 -O2 -w -DNDEBUG -march=x86-64-v2 \
    -fPIC -fvisibility=hidden -fno-plt \
    -fno-math-errno -frounding-math -fsignaling-nans -ffp-contract=off \
    -fwrapv -fno-strict-aliasing -fno-delete-null-pointer-checks -fstack-clash-protection \
    -fno-tree-loop-distribute-patterns -fno-ipa-icf \
    -fno-inline-functions -fno-inline-small-functions -fno-inline-functions-called-once \
    -fno-partial-inlining -fno-stack-protector -fcf-protection=none \
    -fno-asynchronous-unwind-tables -fno-unwind-tables -U_FORTIFY_SOURCE -U__SUPPORT_SNAN__ \
    -shared -nostdlib -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code \
    -Wl,--build-id=none,--hash-style=sysv \
    "$sdk/sdk/shim.c" "$sdk/sdk/module.c" -o library.so
# A signature lies behind the ELF file of a real library.
head -c 128 /dev/zero >>library.so
mv library.so "$output"
