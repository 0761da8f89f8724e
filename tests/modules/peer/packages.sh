# A repository of tiny packages below /srv/apt, the only one that apt knows. Twice the same bytes.
set -e
export SOURCE_DATE_EPOCH=1700000000
mkdir -p /srv/apt && cd /srv/apt
pack() { # name, version, further fields
    mkdir -p tree/DEBIAN tree/etc "tree/usr/share/$1"
    printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.com>\n' "$1" "$2" > control
    printf 'Section: misc\nPriority: optional\n%sDescription: for tests\n' "$3" >> control
    mv control tree/DEBIAN
    echo "$2" > "tree/usr/share/$1/version"
    echo "version $2" > "tree/etc/$1.conf"
    echo "/etc/$1.conf" > tree/DEBIAN/conffiles
    find tree -exec touch -h -d @$SOURCE_DATE_EPOCH {} +
    dpkg-deb --root-owner-group --build tree "$1_$2_all.deb" >/dev/null
    rm -r tree
    {
        dpkg-deb --field "$1_$2_all.deb"
        printf 'Filename: ./%s\nSize: %s\n' "$1_$2_all.deb" "$(stat -c %s "$1_$2_all.deb")"
        printf 'SHA256: %s\n\n' "$(sha256sum < "$1_$2_all.deb" | cut -d' ' -f1)"
    } >> Packages
}
pack hp-one 1.0 ''
pack hp-one 1.1 ''
pack hp-two 2.0 'Depends: hp-dep
'
pack hp-dep 1.0 'Provides: hp-virtual
'
pack hp-file 1.0 ''
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/apt ./' > /etc/apt/sources.list.d/tests.list
rm -rf /var/lib/apt/lists/*
apt-get update >/dev/null
touch -d '1 day ago' /var/lib/apt/lists
