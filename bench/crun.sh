# Sourced behind lib.sh: the newest crun of Debian.
# shellcheck shell=sh

crun_version() { "$@" --version | sed -n 's/^crun version //p'; }

# By apt into a directory of its own: unstable's, else testing's; sets suite, and
# short, a directory that holds it and is the caller's to remove. It wants a
# newer libc, which lies beside it: the loader and the way to the libraries are written into the
# program, for engines give it no environment and it executes itself anew from a copy. The other
# libraries are Debian 12's: they are old enough for both.
new_crun() {
    for suite in sid testing stable; do
        apt=$bench_work/apt-$suite new=$bench_work/new-$suite
        mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/state" "$new"
        echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main" >"$apt/sources"
        : >"$apt/status"
        options="-q -o Dir::Etc::SourceList=$apt/sources -o Dir::Etc::SourceParts=$apt/none -o Dir::State=$apt/state
            -o Dir::State::lists=$apt/lists -o Dir::Cache=$apt/cache -o Dir::State::status=$apt/status
            -o APT::Sandbox::User=root -o Acquire::Languages=none"
        # shellcheck disable=SC2086
        timeout 120 apt-get $options update >"$apt/log" 2>&1 || continue
        for package in crun libc6 libblake3-0; do # the last of these is not everywhere's
            # shellcheck disable=SC2086
            (cd "$apt" && timeout 60 apt-get $options download "$package") >>"$apt/log" 2>&1 || :
        done
        for deb in "$apt"/*.deb; do
            [ -e "$deb" ] && dpkg-deb -x "$deb" "$new"
        done
        short=$(mktemp -d /tmp/vb.XXXXXX)
        cp "$new/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$short/ld" 2>/dev/null &&
            cp "$new/usr/bin/crun" "$short/crun" &&
            patchelf --set-interpreter "$short/ld" --force-rpath --set-rpath "$new/usr/lib/x86_64-linux-gnu" "$short/crun" &&
            "$short/crun" --version >/dev/null 2>>"$apt/log" && return 0
        echo "crun of $suite does not run here: $(tail -n 1 "$apt/log")" >&2
        rm -rf "$short"
    done
    return 1
}
