#!/bin/sh
# The floor of a run: the git work of N independent groups, done one after the other with the git
# command line. It has no journal, no evidence, no resume, no judgement of paths, and does not sync.
#
#   sh floor.sh N AGENT
#
# For each group, as Otto does it:
#   a worktree at the integration tip; the group's check on it, which must be red there (an
#   acceptance check that is green without the work proves nothing);
#   the agent, its edit added and committed, the check again; the build branch set;
#   the merge with the tip computed and committed off-tree, a fresh worktree at that commit, the
#   check in it; the integration branch moved by compare-and-swap; both worktrees removed.
set -eu
n=$1
agent=$2
trees=$(mktemp -d)
tip=$(git rev-parse HEAD)
zero=0000000000000000000000000000000000000000
i=1
while [ "$i" -le "$n" ]; do
    g=g$i
    git worktree add --quiet --detach "$trees/$g" "$tip"
    if (cd "$trees/$g" && sh tests/check.sh "$g" >/dev/null); then exit 1; fi
    (
        cd "$trees/$g"
        OTTO_GROUP=$g "$agent" </dev/null
        git add --all
        git commit --quiet --message "$g: its part"
        sh tests/check.sh "$g" >/dev/null
    )
    head=$(git -C "$trees/$g" rev-parse HEAD)
    git update-ref "refs/heads/floor/build.$g" "$head"

    tree=$(git merge-tree --write-tree "$tip" "$head")
    new=$(git commit-tree -p "$tip" -p "$head" -m "land $g" "$tree")
    git worktree add --quiet --detach "$trees/$g.check" "$new"
    (cd "$trees/$g.check" && sh tests/check.sh "$g" >/dev/null)
    if [ "$i" -eq 1 ]; then old=$zero; else old=$tip; fi
    git update-ref refs/heads/floor/integ "$new" "$old"
    tip=$new
    git worktree remove --force "$trees/$g"
    git worktree remove --force "$trees/$g.check"
    i=$((i + 1))
done
# Ready for the next measurement.
git for-each-ref --format='delete %(refname)' refs/heads/floor | git update-ref --stdin
rmdir "$trees"
