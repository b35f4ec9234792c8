#!/bin/sh
# The browser for tests/test_viewer.py: installed where that needs no question (root on Debian), asked for elsewhere.
command -v chromium >/dev/null && command -v chromedriver >/dev/null && exit 0

packages=$(tr '\n' ' ' <"$(dirname "$0")/apt-packages.txt")
by_hand="apt-get install $packages"
id=$(. /etc/os-release 2>/dev/null && echo "$ID")

if [ "$(id -u)" = 0 ] && [ "$id" = debian ]; then
    echo "Installing $packages"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update >/dev/null 2>&1 && apt-get -qq install -y --no-install-recommends $packages >/dev/null 2>&1 && exit 0
    echo "That did not work; to see why, type: $by_hand"
else
    echo "The tests in a browser are left out: chromium and chromedriver are not there. On Debian: sudo $by_hand"
fi
