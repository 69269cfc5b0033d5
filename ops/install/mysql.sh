#!/bin/bash
# Install the MySQL server and client of Debian sid into a folder, next to whatever the system has and without touching
# it. Nothing happens where the folder holds a server already.
#
#   ops/install/mysql.sh FOLDER
#
# Debian 12 has no MySQL, and sid's is built against newer libraries. So a private apt (own state and sources, and an
# empty list of installed packages, which makes it resolve everything down to libc) downloads and verifies the
# packages; they are unpacked and not installed: none of their scripts runs; and a launcher starts each program through
# their own dynamic loader. DEBIAN_MIRROR names another mirror than the one the system uses.
set -euo pipefail
(($# == 1)) || { echo "usage: $0 FOLDER" >&2; exit 2; }
folder=$1
[ -x "$folder/bin/mysqld" ] && exit 0

suite=sid
packages=(mysql-server-core mysql-client-core)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# Wanted by the packages' scripts only.
unneeded='^(adduser|debconf|dpkg|init-system-helpers|lib(pam|perl|semanage|sepol).*|login.*|passwd|perl.*|psmisc|sensible-utils|sysvinit-utils|tar|util-linux)_'

die() { echo "mysql.sh: $*" >&2; exit 1; }
for tool in apt-get dpkg-deb; do
  command -v $tool >/dev/null || die "MySQL is installed from Debian's packages and there is no $tool here: put mysqld on the PATH instead"
done
[ -e $keyring ] || die "$keyring is missing, which the packages are verified with: install debian-archive-keyring"

mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --no-release-info --format '$(REPO_URI)' 'Created-By: Packages' | grep -m1 '/debian/\?$' || true)}
[ -n "$mirror" ] || die "no mirror of Debian among the system's apt sources: set DEBIAN_MIRROR to one"

mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9
[ -x "$folder/bin/mysqld" ] && exit 0 # another run was faster

echo "Installing MySQL into $folder"
stage=$folder.new
rm -rf "$stage" "$folder"
apt=$stage/apt
mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,empty} "$stage"/{bin,root}
touch "$apt/status"
architecture=$(dpkg --print-architecture)
echo "deb [signed-by=$keyring arch=$architecture] $mirror $suite main" >"$apt/sources.list"
# The system's own settings (proxy, certificates) are read first and go on holding. Valid-Until: sid's lists expire
# within days, and a mirror that stands still or lags is good enough here; signatures are checked all the same.
cat >"$apt/apt.conf" <<CONF
Dir::State "$apt/state";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Log "$apt";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/empty";
Dir::Etc::preferences "$apt/none";
Dir::Etc::preferencesparts "$apt/empty";
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
APT::Sandbox::User "";
APT::Update::Post-Invoke {};
Acquire::Check-Valid-Until "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Languages "none";
Acquire::Retries "3";
Debug::NoLocking "true";
CONF
private_apt() {
  APT_CONFIG=$apt/apt.conf apt-get -q -y "$@" >"$apt/log" 2>&1 || { cat "$apt/log" >&2; die "apt-get $1 failed"; }
}
private_apt update
private_apt install --download-only "${packages[@]}"

root=$stage/root
for package in "$apt"/cache/archives/*.deb; do
  name=$(basename "$package")
  [[ $name =~ $unneeded ]] && continue
  dpkg-deb --fsys-tarfile "$package" |
    tar -x -C "$root" --keep-directory-symlink --no-same-owner --exclude=./usr/share/{doc,man,locale,lintian}
  echo "$name" >>"$stage/packages"
done

loader=$(cd "$root" && find usr/lib -maxdepth 2 -name 'ld-linux*.so.*' | head -n1)
[ -n "$loader" ] || die "no dynamic loader among the unpacked packages"
cat >"$stage/bin/.launch" <<LAUNCH
#!/bin/sh
root=$folder/root
for program in "\$root/usr/sbin/\${0##*/}" "\$root/usr/bin/\${0##*/}"; do
  [ -e "\$program" ] && exec "\$root/$loader" --argv0 "\$program" --library-path "\$root/${loader%/*}" "\$program" "\$@"
done
echo "\$0: not there: remove $folder and install again" >&2
exit 127
LAUNCH
chmod +x "$stage/bin/.launch"
shopt -s nullglob
for program in "$root"/usr/{sbin,bin}/{mysql,perror,ibd2sdi,innochecksum}*; do
  head -c4 "$program" | grep -q ELF && ln -s .launch "$stage/bin/${program##*/}"
done
rm -rf "$apt"
mv "$stage" "$folder"
"$folder/bin/mysqld" --no-defaults --version
