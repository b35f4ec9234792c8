#!/bin/sh
# The browser and the nginx for the viewer, the MariaDB for tests/database and the Slurm for tests/hpc: installed where that
# needs no question (root on Debian), asked for elsewhere. Nothing is started: the tests start servers of their own.
PATH=$PATH:/usr/sbin
missing=
for program in chromium chromedriver nginx mariadbd mariadb-install-db munged slurmctld slurmd slurmdbd sinfo; do
    command -v $program >/dev/null || missing="$missing $program"
done
[ -z "$missing" ] && exit 0

packages=$(tr '\n' ' ' <"$(dirname "$0")/apt-packages.txt")
by_hand="apt-get install $packages"
id=$(. /etc/os-release 2>/dev/null && echo "$ID")

if [ "$(id -u)" = 0 ] && [ "$id" = debian ]; then
    echo "Installing $packages"
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d  # Debian asks it whether a package may start its server
    [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && trap 'rm -f $policy' EXIT; }
    apt-get -qq update >/dev/null 2>&1
    apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $packages >/dev/null 2>&1 && exit 0
    echo "That did not work; to see why, type: $by_hand"
else
    echo "Tests are left out that need what is not there:$missing. On Debian: sudo $by_hand"
fi
