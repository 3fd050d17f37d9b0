# Sourced inside the container before every file of callers/.
#
# setup() runs once as root. trigger() runs as the file's user and makes the caller mail; its status and output are the
# caller's word, unless word() prints another (as root, with $MARK, the time before the trigger, and $STATUS,
# the trigger's).

# What an identifier wrote to the journal since the trigger: journal IDENTIFIER [PATTERN]
journal() { journalctl -q --since "$MARK" -t "$1" -o cat | grep -E -- "${2:-.}"; }

# What a unit wrote: unit_says NAME [PATTERN]
unit_says() { journalctl -q --since "$MARK" -u "$1" -o cat | grep -E -- "${2:-.}"; }

# A program with a screen: screen COMMAND starts it; then keys KEY... (text as one key with typed TEXT), shown (what is on
# it), and closed at the end.
tmux_here() { tmux -L "screen$$" -f /dev/null "$@"; }
screen() { tmux_here new-session -d -x 160 -y 40 "$*; echo ended with \$?; sleep 100"; sleep 2; }
keys() { for key; do tmux_here send-keys "$key"; sleep 0.3; done; }
typed() { tmux_here send-keys -l "$1"; sleep 0.3; }
shown() { tmux_here capture-pane -p | grep -v '^[[:space:]]*$' | sed 's/  */ /g'; }
closed() { tmux_here kill-server; }

# A package "demo" to upgrade to, in an apt source of its own: offer_upgrade; each call makes a newer one.
offer_upgrade() {
    local repo=/srv/repo version
    mkdir -p $repo
    make_demo() {
        local work; work=$(mktemp -d)
        mkdir -p "$work/DEBIAN" "$work/usr/share/doc/demo"
        printf 'Package: demo\nVersion: %s\nArchitecture: all\nMaintainer: Demo <demo@example.org>\nDescription: demo\n' \
            "$1" > "$work/DEBIAN/control"
        printf 'demo (%s) bookworm; urgency=low\n\n  * News of %s.\n\n -- Demo <demo@example.org>  Sun, 01 Nov 2026 00:00:00 +0000\n' \
            "$1" "$1" | gzip -9n > "$work/usr/share/doc/demo/changelog.gz"
        dpkg-deb --root-owner-group --build "$work" "$2" > /dev/null
        rm -r "$work"
    }
    version=1.$(date +%s%N)
    if ! dpkg -s demo > /dev/null 2>&1; then
        make_demo 1.0 /tmp/demo.deb
        dpkg --install /tmp/demo.deb
    fi
    rm -f $repo/*.deb
    make_demo "$version" $repo/demo_$version.deb
    (
        cd $repo || exit
        {
            dpkg-deb --field demo_$version.deb
            echo "Filename: ./demo_$version.deb"
            echo "Size: $(stat -c %s demo_$version.deb)"
            echo "SHA256: $(sha256sum < demo_$version.deb | cut -d' ' -f1)"
            echo
        } > Packages
        {
            printf 'Origin: Demo\nLabel: Demo\nSuite: demo\nCodename: demo\nDate: %s\nSHA256:\n' "$(date -Ru)"
            echo " $(sha256sum < Packages | cut -d' ' -f1) $(stat -c %s Packages) Packages"
        } > Release
    )
    echo "deb [trusted=yes] file:$repo ./" > /etc/apt/sources.list.d/demo.list
    apt-get update > /dev/null
}
