# A repository below /srv/git, twice with the same commits.
set -e
export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=n@example.com GIT_AUTHOR_DATE=2024-01-01T00:00:00Z
export GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=n@example.com GIT_COMMITTER_DATE=2024-01-01T00:00:00Z
mkdir -p /srv/git && cd /srv/git
git init -q -b main work && cd work
echo 1 > file && git add file && git commit -qm one && git tag first
echo 2 > file && git commit -qam two && git tag -a second -m second
git checkout -q -b side first && echo side > side && git add side && git commit -qm side && git checkout -q main
git clone -q --bare . ../origin.git
git clone -q --bare . ../elsewhere.git
git clone -q . ../modified && echo 3 > ../modified/file
